"""Calibration figures against closed forms and scikit-learn's definitions, written out."""

from __future__ import annotations

import numpy as np
import pytest

from Training.evaluation.reliability import BINS, Reliability

RNG = np.random.default_rng(0)


def test_honest_probabilities_have_no_calibration_error_and_the_least_brier() -> None:
    probabilities = RNG.random(200_000).astype(np.float32)
    truth = RNG.random(200_000) < probabilities
    reliability = Reliability()
    for part in range(4):  # cases are added up
        reliability.add(probabilities[part::4], truth[part::4])
    assert reliability.expected_calibration_error < 0.01
    assert reliability.brier == pytest.approx(1 / 6, abs=0.005)  # mean of p (1 - p) over [0, 1]
    probability, right = reliability.curve()
    np.testing.assert_allclose(probability, (np.arange(BINS) + 0.5) / BINS, atol=0.002)
    np.testing.assert_allclose(right, probability, atol=0.02)


def test_confident_errors_cost_what_they_are() -> None:
    reliability = Reliability()
    reliability.add(np.full(100, 0.95, np.float32), np.arange(100) < 60)
    assert reliability.expected_calibration_error == pytest.approx(0.35, abs=1e-6)
    assert reliability.brier == pytest.approx(0.6 * 0.05**2 + 0.4 * 0.95**2, abs=1e-6)
    assert np.isnan(reliability.curve()[0]).sum() == BINS - 1


def test_certainty_belongs_to_the_last_bin() -> None:
    reliability = Reliability()
    reliability.add(np.array([0.0, 1.0], np.float32), np.array([False, True]))
    assert reliability.count[0] == reliability.count[-1] == 1
    assert reliability.expected_calibration_error == reliability.brier == 0
