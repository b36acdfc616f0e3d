"""The figures of Table 1: Dice and HD95 of each region and their mean, with intervals, in one convention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from SegMambaCore.segmentation.regions import REGIONS
from Training.comparison.evaluated import Evaluated
from Training.evaluation.bootstrap import bootstrap_intervals
from Training.metrics.conventions import COUNTS, column_name

MEAN = "mean"
AREAS = (*REGIONS, MEAN)
"""The columns' groups."""


@dataclass(frozen=True)
class Metric:
    """key: its name in the columns of tables. unit: what readers see; factor: from the table's to that.
    more_is_better: else less is.
    """

    key: str
    title: str
    unit: str
    factor: float
    more_is_better: bool


_DICE, _HD95 = ("Dice", "%", 100.0, True), ("HD95", "mm", 1.0, False)
METRICS: dict[str, tuple[Metric, Metric]] = {
    "paper": (Metric("dice", *_DICE), Metric("hd95", *_HD95)),
    "brats2021": (Metric("dice", *_DICE), Metric("hd95", *_HD95)),
    "brats2023": (
        Metric("lesionwise_dice", "lesion-wise Dice", *_DICE[1:]),
        Metric("lesionwise_hd95", "lesion-wise HD95", *_HD95[1:]),
    ),
    "brats2026": (Metric("dice", *_DICE), Metric("hd95", *_HD95)),
}
"""What stands for Dice and HD95 in each convention. Of brats2026 the figures of whole regions: those of lesions are
over matched ones alone."""


@dataclass(frozen=True)
class Figure:
    """A mean over the cases and its 95 % bootstrap interval over patients, in the metric's unit."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Table:
    """One convention.

    figures: by model, metric and area. counts: lesions by model, region and kind (tp, fp, fn), summed over the cases;
    empty in conventions that count none. best: the (model, metric, area) that bold type is for.
    """

    convention: str
    metrics: tuple[Metric, Metric]
    figures: dict[tuple[str, str, str], Figure]
    counts: dict[tuple[str, str, str], int]
    best: frozenset[tuple[str, str, str]]


def make_table(evaluations: Sequence[Evaluated], convention: str, seed: int = 0) -> Table:
    """Return the figures of all models in one convention. seed: of the bootstrap."""
    metrics = METRICS[convention]
    figures = {}
    for evaluation in evaluations:
        for metric in metrics:
            columns = {
                region: metric.factor * evaluation.figures(column_name(metric.key, region, convention))
                for region in REGIONS
            }
            columns[MEAN] = np.mean(
                list(columns.values()), axis=0
            )  # of a case; nan where one region has none
            intervals = bootstrap_intervals(evaluation.cases, columns, seed)
            for area, values in columns.items():
                finite = values[np.isfinite(values)]
                mean = float(finite.mean()) if finite.size else float("nan")
                figures[evaluation.name, metric.key, area] = Figure(mean, *intervals[area][0])
    return Table(convention, metrics, figures, _counts(evaluations, convention), _best(figures, metrics))


def _best(
    figures: dict[tuple[str, str, str], Figure], metrics: Sequence[Metric]
) -> frozenset[tuple[str, str, str]]:
    best = set()
    for metric in metrics:
        for area in AREAS:
            column = {key: figure.mean for key, figure in figures.items() if key[1:] == (metric.key, area)}
            known = [value for value in column.values() if np.isfinite(value)]
            if known:
                winner = max(known) if metric.more_is_better else min(known)
                best |= {key for key, value in column.items() if value == winner}
    return frozenset(best)


def _counts(evaluations: Sequence[Evaluated], convention: str) -> dict[tuple[str, str, str], int]:
    return {
        (evaluation.name, region, kind): int(np.nansum(evaluation.figures(column)))
        for evaluation in evaluations
        for region in REGIONS
        for kind in COUNTS
        if (column := column_name(kind, region, convention)) in next(iter(evaluation.rows.values()))
    }
