"""Every model against the first one, case by case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from Training.comparison.evaluated import Evaluated
from Training.evaluation.paired import holm, paired_tests
from Training.evaluation.table import Row


def paired_differences(evaluations: Sequence[Evaluated], seed: int = 0) -> list[Row]:
    """Return the rows of `paired_tests` of each other model (second) against the first, with a column `model` in front.

    p_holm corrects over all tests of a convention: scores times models. The interval is of the mean difference,
    other minus first.
    """
    first, *others = evaluations
    rows: list[Row] = []
    for other in others:
        # Which way of inference was compared is said elsewhere, and differs where it was chosen to.
        ours, theirs = (_without_way(evaluation) for evaluation in (first, other))
        rows += [{"model": other.name, **row} for row in paired_tests(ours, theirs, seed)]
    for convention in {row["convention"] for row in rows}:
        family = [row for row in rows if row["convention"] == convention]
        for row, corrected in zip(family, holm([float(row["p"]) for row in family]), strict=True):
            row["p_holm"] = corrected
    return rows


def difference_of_cases(first: Evaluated, other: Evaluated, column: str) -> np.ndarray:
    """Return other - first (cases,), without cases that have no figure in one of them."""
    difference = other.figures(column) - first.figures(column)
    return difference[np.isfinite(difference)]


def _without_way(evaluation: Evaluated) -> list[dict[str, str]]:
    return [
        {name: cell for name, cell in row.items() if name not in ("mode", "mirror")}
        for row in evaluation.rows.values()
    ]
