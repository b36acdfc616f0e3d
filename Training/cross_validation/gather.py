"""One table of all variants: means over cases, spread of the seeds, and gains with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from SegMambaCore.segmentation.regions import REGIONS
from Training.cross_validation.plan import Run
from Training.evaluation.bootstrap import bootstrap_intervals
from Training.evaluation.summary import way_of
from Training.evaluation.table import number, read_table

Scores = dict[tuple[int, str], dict[str, float]]
"""By seed and case: the figures of a row."""

DICE = tuple(f"dice_{region}_brats2021" for region in REGIONS)
LESIONWISE = tuple(f"lesionwise_dice_{region}_brats2023" for region in REGIONS)
_SPREADS = 2.0
"""A gain counts when it is above so many spreads of the seeds."""


@dataclass(frozen=True)
class Line:
    """A variant in one way of inference.

    scores: figures that the means are over; cases: different cases among them.
    dice: mean over cases and seeds of WT, TC, ET (BraTS 2021). mean: of the three. lesionwise: the same, BraTS 2023.
    spread: sample standard deviation over the seeds of `mean`, nan for a single seed.
    gain, interval: difference of `mean` to the reference on the runs that both have, with its 95 % bootstrap
        interval over patients; seeds are averaged first. None for the reference itself.
    """

    variant: str
    way: str
    scores: int
    cases: int
    dice: tuple[float, ...]
    mean: float
    lesionwise: float
    spread: float
    gain: float | None
    interval: tuple[float, float] | None
    reference_spread: float

    @property
    def verdict(self) -> str:
        """Whether the gain is above twice the larger spread of the two."""
        if self.gain is None:
            return "reference"
        spreads = [value for value in (self.spread, self.reference_spread) if np.isfinite(value)]
        if not spreads:
            return "one seed"
        return "kept" if self.gain > _SPREADS * max(spreads) else "no gain"


def gather(runs: Sequence[Run], reference: str) -> list[Line]:
    """Return a line for each variant and way, the best mean first within a way.

    Raises SegMambaError when nothing is finished, or the reference has no finished run.
    """
    scores = _read(runs)
    if not scores:
        raise SegMambaError("No run is finished yet: there is nothing to gather.")
    lines = []
    for way in dict.fromkeys(way for _, way in scores):
        theirs = scores.get((reference, way))
        if theirs is None:
            raise SegMambaError(f"The reference {reference} has no finished run.")
        variants = [variant for variant, of_way in scores if of_way == way]
        of_way = [
            _line(variant, way, scores[variant, way], theirs, variant == reference) for variant in variants
        ]
        lines += sorted(of_way, key=lambda line: -line.mean)
    return lines


def markdown(lines: Sequence[Line], reference: str) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield (
        f"| variant | inference | figures, cases | Dice WT / TC / ET | mean | spread of seeds | "
        f"gain over {reference} [95 %] | | lesion-wise |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for line in lines:
        regions = " / ".join(f"{value:.3f}" for value in line.dice)
        spread = "" if np.isnan(line.spread) else f"{line.spread:.4f}"
        gain = ""
        if line.gain is not None and line.interval is not None:
            gain = f"{line.gain:+.4f} [{line.interval[0]:+.4f}, {line.interval[1]:+.4f}]"
        yield (
            f"| {line.variant} | {line.way} | {line.scores}, {line.cases} | {regions} | {line.mean:.4f} | {spread} | "
            f"{gain} | {line.verdict} | {line.lesionwise:.3f} |"
        )


def _read(runs: Sequence[Run]) -> dict[tuple[str, str], Scores]:
    scores: dict[tuple[str, str], Scores] = {}
    for run in runs:
        if not run.is_finished():
            continue
        for row in read_table(run.cases):
            way = ", mirrors ".join(value for _, value in way_of(row))
            figures = {name: number(row[name]) for name in (*DICE, *LESIONWISE) if name in row}
            scores.setdefault((run.variant.name, way), {})[run.seed, row["case"]] = figures
    return scores


def _line(variant: str, way: str, ours: Scores, theirs: Scores, is_reference: bool) -> Line:
    gain, interval = (None, None) if is_reference else _gain(ours, theirs)
    return Line(
        variant=variant,
        way=way,
        scores=len(ours),
        cases=len({case for _, case in ours}),
        dice=tuple(float(np.mean([figures[name] for figures in ours.values()])) for name in DICE),
        mean=float(np.mean([_mean_dice(figures) for figures in ours.values()])),
        lesionwise=float(np.mean([figures[name] for figures in ours.values() for name in LESIONWISE])),
        spread=_spread(ours),
        gain=gain,
        interval=interval,
        reference_spread=_spread(theirs),
    )


def _mean_dice(figures: dict[str, float]) -> float:
    return sum(figures[name] for name in DICE) / len(DICE)


def _spread(scores: Scores) -> float:
    """Over cases that every seed has: a seed that met other folds says nothing about the seed."""
    seeds = sorted({seed for seed, _ in scores})
    shared = set.intersection(*({case for s, case in scores if s == seed} for seed in seeds))
    if len(seeds) < 2 or not shared:
        return float("nan")
    means = [np.mean([_mean_dice(scores[seed, case]) for case in shared]) for seed in seeds]
    return float(np.std(means, ddof=1))


def _gain(ours: Scores, theirs: Scores) -> tuple[float | None, tuple[float, float] | None]:
    by_case: dict[str, list[float]] = {}
    for key in sorted(ours.keys() & theirs.keys()):
        by_case.setdefault(key[1], []).append(_mean_dice(ours[key]) - _mean_dice(theirs[key]))
    if not by_case:
        return None, None
    cases = list(by_case)
    difference: NDArray[np.float64] = np.array([np.mean(by_case[case]) for case in cases])
    interval, _ = bootstrap_intervals(cases, {"gain": difference})["gain"]
    return float(difference.mean()), interval
