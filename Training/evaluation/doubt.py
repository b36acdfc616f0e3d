"""Below which promise of a network to warn, and how often the warning is right, on cases it had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from Training.evaluation.table import number

FAILURE_DICE = 0.7
"""A case whose region has less is one that a user should have been warned of."""

Cells = Mapping[str, str]
Points = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Promises and failures, (cases,) each."""


@dataclass(frozen=True)
class Rates:
    """failures: cases below `FAILURE_DICE`; hits: those of them warned of. others, false_alarms: likewise."""

    failures: int
    hits: int
    others: int
    false_alarms: int

    def __str__(self) -> str:
        return (
            f"{self.hits} of {self.failures} failures warned of, {self.false_alarms} of {self.others} others"
        )


@dataclass(frozen=True)
class Limit:
    """A region's limit on `expected_dice`, from all cases.

    least: warn below; 0 where nothing failed or everything did, and so no limit can be told.
    fitted: rates on the same cases, which flatters. honest: each fold with the limit of the other folds; None for
        one fold.
    """

    region: str
    least: float
    fitted: Rates
    honest: Rates | None


def choose_limit(region: str, folds: Sequence[Sequence[Cells]]) -> Limit:
    """Return the limit that best separates failures from other cases, by the mean of both groups' shares told right.

    folds: the rows of each fold's cases.csv, one way of inference.
    Raises SegMambaError when a table lacks a column.
    """
    points = [_points(region, rows) for rows in folds]
    least = _best(_joined(points))
    honest = None
    if len(points) > 1:
        parts = [
            _rates(own, _best(_joined([other for m, other in enumerate(points) if m != n])))
            for n, own in enumerate(points)
        ]
        honest = Rates(*(sum(column) for column in zip(*map(_counts, parts), strict=True)))
    return Limit(region, least, _rates(_joined(points), least), honest)


def _points(region: str, rows: Sequence[Cells]) -> Points:
    names = (f"expected_dice_{region}", f"dice_{region}_brats2021")
    if missing := [name for name in names if name not in rows[0]]:
        raise SegMambaError(f"A table has no column `{missing[0]}`. Give cases.csv of Training/evaluate.py.")
    promise, dice = (np.array([number(row[name]) for row in rows]) for name in names)
    return promise, dice < FAILURE_DICE


def _joined(points: Sequence[Points]) -> Points:
    promises, failures = zip(*points, strict=True)
    return np.concatenate(promises), np.concatenate(failures)


def _best(points: Points) -> float:
    promise, failed = points
    if failed.all() or not failed.any():
        return 0.0
    values = np.unique(promise)
    limits = (values[1:] + values[:-1]) / 2
    if len(limits) == 0:
        return 0.0
    right = [(promise[failed] < limit).mean() + (promise[~failed] >= limit).mean() for limit in limits]
    return round(float(limits[int(np.argmax(right))]), 3)


def _rates(points: Points, limit: float) -> Rates:
    promise, failed = points
    warned = promise < limit
    return Rates(*(int(np.count_nonzero(x)) for x in (failed, failed & warned, ~failed, ~failed & warned)))


def _counts(rates: Rates) -> tuple[int, int, int, int]:
    return rates.failures, rates.hits, rates.others, rates.false_alarms
