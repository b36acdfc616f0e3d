"""Means and medians over the cases, with their confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from Training.evaluation.bootstrap import bootstrap_intervals
from Training.evaluation.table import Row, number
from Training.metrics.conventions import convention_of

WAY = ("mode", "mirror")
"""What tells the blocks of a table apart: how the model was used. Tables of label maps have one block."""

COSTS = ("seconds", "peak_gb")
"""What a case cost, where it is known."""


def summarise(rows: Sequence[Row], seed: int = 0) -> list[Row]:
    """Return mean and median of every figure with their 95 % intervals, for each way that the rows name.

    `count` is the number of cases that have a value: a figure of brats2026 can be undefined.
    """
    columns = [name for name in rows[0] if name in COSTS or convention_of(name) is not None]
    summary: list[Row] = []
    for way in dict.fromkeys(way_of(row) for row in rows):
        of_way = [row for row in rows if way_of(row) == way]
        values = {name: np.array([number(row[name]) for row in of_way]) for name in columns}
        intervals = bootstrap_intervals([str(row["case"]) for row in of_way], values, seed)
        lines: dict[str, Row] = {
            "mean": {name: _finite_average(np.mean, column) for name, column in values.items()},
            "mean_ci95_low": {name: mean[0] for name, (mean, _) in intervals.items()},
            "mean_ci95_high": {name: mean[1] for name, (mean, _) in intervals.items()},
            "median": {name: _finite_average(np.median, column) for name, column in values.items()},
            "median_ci95_low": {name: median[0] for name, (_, median) in intervals.items()},
            "median_ci95_high": {name: median[1] for name, (_, median) in intervals.items()},
            "count": {name: str(np.isfinite(column).sum()) for name, column in values.items()},
        }
        for statistic, line in lines.items():
            head: Row = {"statistic": statistic, "cases": str(len(of_way)), **dict(way)}
            summary.append(head | line)
    return summary


def way_of(row: Mapping[str, str | float]) -> tuple[tuple[str, str], ...]:
    """Return the columns of a row that tell its block, with their values."""
    return tuple((name, str(row[name])) for name in WAY if name in row)


def _finite_average(
    average: Callable[[NDArray[np.float64]], np.float64], column: NDArray[np.float64]
) -> float:
    finite = column[np.isfinite(column)]
    return float(average(finite)) if finite.size else float("nan")
