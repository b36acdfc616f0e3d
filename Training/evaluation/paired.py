"""Two models on the same cases: which differences are more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from SegMambaCore.errors import SegMambaError
from Training.evaluation.bootstrap import bootstrap_intervals
from Training.evaluation.summary import way_of
from Training.evaluation.table import Row, number
from Training.metrics.conventions import convention_of, is_count
from Training.split import patient_of

Cells = dict[str, str]


def paired_tests(first: Sequence[Cells], second: Sequence[Cells], seed: int = 0) -> list[Row]:
    """Return a row for each score that two tables share: means, difference (second - first), interval, p values.

    The interval is a bootstrap of the mean difference over patients; p is Wilcoxon's signed-rank test on the
    patients' mean differences, two-sided; p_holm is Holm's correction over the scores of one convention (regions
    times metrics). Columns are paired by their names, so never across two conventions.
    Raises SegMambaError when the tables do not measure the same cases, or share no score.
    """
    rows: list[Row] = []
    for ours, theirs in _blocks(first, second):
        shared = [
            name for name in ours[0] if name in theirs[0] and convention_of(name) and not is_count(name)
        ]
        if not shared:
            raise SegMambaError(
                "The two tables share no column of scores: evaluate both with one convention."
            )
        tests = [_test(name, ours, theirs, seed) for name in shared]
        for convention in dict.fromkeys(convention_of(name) for name in shared):
            family = [test for test in tests if test["convention"] == convention]
            for test, corrected in zip(family, holm([float(test["p"]) for test in family]), strict=True):
                test["p_holm"] = corrected
        way: Row = dict(way_of(ours[0]))
        rows += [way | test for test in tests]
    return rows


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected by Holm's step-down method; nan, a test that was not made, stays nan."""
    made = sorted((p, place) for place, p in enumerate(p_values) if not np.isnan(p))
    corrected = [float("nan")] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(made):
        highest = max(highest, min(1.0, p * (len(made) - rank)))
        corrected[place] = highest
    return corrected


def _test(column: str, first: Sequence[Cells], second: Sequence[Cells], seed: int) -> Row:
    ours, theirs = (np.array([number(row[column]) for row in rows]) for rows in (first, second))
    both = np.isfinite(ours) & np.isfinite(theirs)
    cases = [row["case"] for row, counts in zip(first, both, strict=True) if counts]
    difference = theirs[both] - ours[both]
    of_patients = _by_patient(cases, difference)
    row: Row = {"column": column, "convention": convention_of(column) or ""}
    row |= {"cases": str(len(cases)), "patients": str(len(of_patients))}
    if not cases:
        return row | dict.fromkeys(_FIGURES, float("nan"))
    (low, high), _ = bootstrap_intervals(cases, {column: difference}, seed)[column]
    p = float(wilcoxon(of_patients).pvalue) if of_patients.any() else 1.0
    figures = (ours[both].mean(), theirs[both].mean(), difference.mean(), low, high, p, float("nan"))
    return row | dict(zip(_FIGURES, map(float, figures), strict=True))


_FIGURES = ("mean_first", "mean_second", "mean_difference", "ci95_low", "ci95_high", "p", "p_holm")


def _by_patient(cases: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, patient = np.unique(np.array([patient_of(case) for case in cases], dtype=np.str_), return_inverse=True)
    return np.bincount(patient, weights=values) / np.bincount(patient)


def _blocks(first: Sequence[Cells], second: Sequence[Cells]) -> list[tuple[list[Cells], list[Cells]]]:
    """Rows of the same cases in the same order, for each way of inference that both tables know."""
    ours, theirs = _by_way(first), _by_way(second)
    if len(ours) == len(theirs) == 1:
        ways = [(next(iter(ours)), next(iter(theirs)))]
    else:
        ways = [(way, way) for way in ours if way in theirs]
    if not ways:
        raise SegMambaError(
            "The two tables share no way of inference: evaluate both with one --mode, or both without."
        )
    blocks = []
    for way, other in ways:
        if ours[way].keys() != theirs[other].keys():
            lonely = sorted(ours[way].keys() ^ theirs[other].keys())
            raise SegMambaError(
                f"The two tables measure different cases: {lonely[0]} is in one alone ({len(lonely)} such cases).\n"
                "A paired test wants both models on the same cases: evaluate both with one --split."
            )
        cases = sorted(ours[way])
        blocks.append(([ours[way][case] for case in cases], [theirs[other][case] for case in cases]))
    return blocks


def _by_way(rows: Sequence[Cells]) -> dict[tuple[tuple[str, str], ...], dict[str, Cells]]:
    ways: dict[tuple[tuple[str, str], ...], dict[str, Cells]] = {}
    for row in rows:
        if "case" not in row:
            raise SegMambaError("A table has no column `case`. Give a cases.csv of Training/evaluate.py.")
        ways.setdefault(way_of(row), {})[row["case"]] = row
    return ways
