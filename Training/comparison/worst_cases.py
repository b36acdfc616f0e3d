"""Which cases are worth a look: those that a model did worst on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from SegMambaCore.segmentation.regions import REGIONS
from Training.comparison.evaluated import Evaluated
from Training.comparison.table1 import METRICS
from Training.metrics.conventions import column_name


def worst_cases(evaluations: Sequence[Evaluated], convention: str, count: int) -> dict[str, list[str]]:
    """Return the `count` cases of lowest Dice of each model, with the models whose worst they are, the worst first.

    Dice is the convention's, a case's mean over the regions.
    """
    chosen: dict[str, list[str]] = {}
    scores = {evaluation.name: mean_dice(evaluation, convention) for evaluation in evaluations}
    for model, dice in scores.items():
        for case in sorted(dice, key=lambda case: dice[case])[:count]:
            chosen.setdefault(case, []).append(model)
    lowest = {case: min(dice[case] for dice in scores.values()) for case in chosen}
    return dict(sorted(chosen.items(), key=lambda item: lowest[item[0]]))


def mean_dice(evaluation: Evaluated, convention: str) -> dict[str, float]:
    """Return each case's mean Dice over the regions that have one; a case without any is left out."""
    dice, _ = METRICS[convention]
    columns = [evaluation.figures(column_name(dice.key, region, convention)) for region in REGIONS]
    return {
        case: float(np.nanmean(values))
        for case, *values in zip(evaluation.cases, *columns, strict=True)
        if np.isfinite(values).any()
    }
