"""Confidence intervals by drawing the patients again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from Training.split import patient_of

RESAMPLES = 10_000
_AT_A_TIME = 1_000
_PERCENTILES = (2.5, 97.5)

Interval = tuple[float, float]


def bootstrap_intervals(
    cases: Sequence[str], columns: Mapping[str, NDArray[np.float64]], seed: int = 0
) -> dict[str, tuple[Interval, Interval]]:
    """Return the 95 % intervals of mean and of median of each column (cases,), by the percentile method.

    Patients are drawn, not scans: those of one patient resemble each other. Values that are not finite do
    not count; an interval is nan where none is.
    """
    estimates: dict[str, list[tuple[NDArray, NDArray]]] = {name: [] for name in columns}
    for times in _resamples(cases, seed):
        for name, values in columns.items():
            finite = np.isfinite(values)
            estimates[name].append(_mean_and_median(values[finite], times[:, finite]))
    intervals = {}
    for name, chunks in estimates.items():
        means, medians = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
        intervals[name] = (_interval(means), _interval(medians))
    return intervals


def _resamples(cases: Sequence[str], seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each case was drawn (resamples, cases), some resamples at a time."""
    patients, patient = np.unique([patient_of(case) for case in cases], return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(RESAMPLES // _AT_A_TIME):
        drawn = rng.multinomial(len(patients), np.full(len(patients), 1 / len(patients)), size=_AT_A_TIME)
        yield drawn[:, patient]


def _mean_and_median(
    values: NDArray[np.float64], times: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and median of values (cases,) each taken `times` (resamples, cases) times, for each resample."""
    order = np.argsort(values)
    values, upto = values[order], np.cumsum(times[:, order], axis=1)
    drawn = times.sum(axis=1)
    upto, times, drawn = upto[drawn > 0], times[drawn > 0][:, order], drawn[drawn > 0]
    if len(drawn) == 0:
        return np.empty(0), np.empty(0)
    below, above = (
        values[np.argmax(upto > place[:, None], axis=1)] for place in ((drawn - 1) // 2, drawn // 2)
    )
    return times @ values / drawn, (below + above) / 2


def _interval(estimates: NDArray[np.float64]) -> Interval:
    if len(estimates) == 0:
        return (float("nan"), float("nan"))
    low, high = np.percentile(estimates, _PERCENTILES)
    return float(low), float(high)
