"""Intervals against SciPy's bootstrap, and what patients and missing values change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from Training.evaluation.bootstrap import bootstrap_intervals

RNG = np.random.default_rng(0)
CASES = [f"BraTS2021_{number:05d}" for number in range(30)]


@pytest.mark.parametrize("place, statistic", [(0, np.mean), (1, np.median)])
def test_intervals_agree_with_scipy(place, statistic):
    values = RNG.gamma(2.0, size=30)
    ours = bootstrap_intervals(CASES, {"x": values})["x"][place]
    theirs = bootstrap((values,), statistic, n_resamples=10_000, method="percentile", rng=1)
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours == pytest.approx(theirs.confidence_interval, abs=0.05 * width)


def test_medians_of_resamples_are_exact():
    """Two cases: half of the resamples hold one of each, so the median is the middle in exactly these."""
    (low, high), (median_low, median_high) = bootstrap_intervals(["a", "b"], {"x": np.array([3.0, 1.0])})["x"]
    assert (low, high, median_low, median_high) == (1.0, 3.0, 1.0, 3.0)


def test_scans_of_one_patient_are_drawn_together():
    """Twelve equal scans of each of four patients say no more than four scans."""
    values = np.repeat([0.1, 0.5, 0.6, 0.9], 12)
    scans = [f"BraTS-GLI-{patient:05d}-{time:03d}" for patient in range(4) for time in range(12)]
    strangers = [f"BraTS-GLI-{number:05d}-000" for number in range(48)]
    of_four = bootstrap_intervals(CASES[:4], {"x": values[::12]})["x"]
    assert bootstrap_intervals(scans, {"x": values})["x"] == pytest.approx(np.array(of_four))
    (low, high), _ = bootstrap_intervals(strangers, {"x": values})["x"]
    assert high - low < 0.5 * (of_four[0][1] - of_four[0][0])


def test_the_seed_decides():
    values = {"x": RNG.normal(size=30)}
    first, again, other = (bootstrap_intervals(CASES, values, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_values_that_are_not_finite_do_not_count():
    values = RNG.normal(size=30)
    values[:10] = [np.nan] * 5 + [np.inf] * 5
    (low, high), (_, median_high) = bootstrap_intervals(CASES, {"x": values})["x"]
    assert low < values[10:].mean() < high and np.isfinite(median_high)
    assert np.isnan(bootstrap_intervals(CASES, {"x": np.full(30, np.nan)})["x"]).all()
