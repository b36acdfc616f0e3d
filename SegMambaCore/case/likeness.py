"""How much a prepared case looks like those that a model was trained on: a few figures, and how they vary together.

No network is asked. A wrong role, a skull, noise or a missing contrast agent moves some of the figures, or two of them
against each other, farther than patients differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES

_PERCENTILES = [5, 25, 50, 75, 95, 99]
_EVERY = 2  # voxels and lines that are looked at: enough for figures of a million voxels
_SHRINKAGE = 0.2  # towards figures that vary on their own: there are about as many of them as cases
_HIGHEST_CORRELATION = 0.99995
_LEAST_DEVIATION = 1e-3
_FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class Usual:
    """Figures of the training cases, in the order of `names`.

    mean, deviation: of each figure. correlation: of each two. most_unlike: a case above (see `unlikeness`) is worth
    a warning; 5 % of the training cases are above it, each told by the others.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]
    most_unlike: float

    def to_dict(self) -> dict[str, Any]:
        """Return what a model's file holds (`ModelSpec.usual_figures`)."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Usual:
        """Read what `to_dict` gave, from JSON too. Raises TypeError, KeyError or ValueError for anything else."""
        usual = Usual(
            names=tuple(values["names"]),
            mean=tuple(map(float, values["mean"])),
            deviation=tuple(map(float, values["deviation"])),
            correlation=tuple(tuple(map(float, row)) for row in values["correlation"]),
            most_unlike=float(values["most_unlike"]),
        )
        count = len(usual.names)
        if {len(usual.mean), len(usual.deviation), len(usual.correlation), *map(len, usual.correlation)} != {
            count
        }:
            raise ValueError("usual figures of different lengths")
        return usual


@dataclass(frozen=True)
class Unlikeness:
    """distance: 1 is what patients differ by on average. figure: the one that lies farthest out by itself."""

    distance: float
    figure: str


def case_figures(tensor: NDArray[np.float32], channels: Sequence[str]) -> dict[str, float]:
    """Return the figures of a prepared case by name.

    tensor: z-scores (channels, D, H, W), background 0. channels: roles in their order. A missing contrast, 0
    everywhere, has no figures. Percentiles over the brain tell the contrast; the correlation of two contrasts tells
    whether both are what they are taken for; the mean step between neighbours in a slice, and that from slice to slice
    beside it, tell noise and blur; the volume tells a skull.
    """
    there = [n for n, channel in enumerate(tensor) if channel.any()]
    sample = tensor[:, ::_EVERY, ::_EVERY, ::_EVERY]
    brain = (sample != 0).any(axis=0)
    values = {n: sample[n][brain].astype(np.float64) for n in there}
    figures = {"volume of the brain": math.log(max(int(np.count_nonzero(brain)), 1))}
    for n in there:
        title = ROLE_TITLES[channels[n]]
        for percentile, value in zip(_PERCENTILES, np.percentile(values[n], _PERCENTILES), strict=True):
            figures[f"{title}, percentile {percentile}"] = float(value)
        across, *within = (_detail(tensor[n], axis) for axis in range(3))
        figures[f"{title}, detail within slices"] = sum(within) / 2
        figures[f"{title}, detail across slices"] = across - sum(within) / 2
    for a, b in combinations(there, 2):
        pair = f"correlation of {ROLE_TITLES[channels[a]]} and {ROLE_TITLES[channels[b]]}"
        correlation = _correlation(values[a], values[b])
        # Its variation is the same for strong and weak ones on this scale (Fisher's).
        figures[pair] = math.atanh(max(-_HIGHEST_CORRELATION, min(_HIGHEST_CORRELATION, correlation)))
    return figures


def fit_usual(cases: Sequence[Mapping[str, float]]) -> Usual:
    """Return the usual figures of training cases, all with the same figures; at least three.

    The limit is the 95th percentile of the cases' own distances, each from the usual figures of all others.
    """
    names = tuple(cases[0])
    table = np.array([[case[name] for name in names] for case in cases])
    own = [
        unlikeness(case, _fit(names, np.delete(table, n, axis=0), 0.0)).distance
        for n, case in enumerate(cases)
    ]
    return _fit(names, table, round(float(np.percentile(own, 100 * (1 - _FALSE_ALARMS))), 3))


def unlikeness(figures: Mapping[str, float], usual: Usual) -> Unlikeness:
    """Return Mahalanobis' distance of a case from the training cases, by the root of the number of figures.

    Figures that the case does not have, because a contrast is missing, are left out.
    """
    places = [n for n, name in enumerate(usual.names) if name in figures]
    mean, deviation = (np.array(column)[places] for column in (usual.mean, usual.deviation))
    scores = (np.array([figures[usual.names[n]] for n in places]) - mean) / deviation
    correlation = np.array(usual.correlation)[np.ix_(places, places)]
    shrunk = (1 - _SHRINKAGE) * correlation + _SHRINKAGE * np.eye(len(places))
    distance = float(np.sqrt(scores @ np.linalg.solve(shrunk, scores) / len(places)))
    return Unlikeness(distance, usual.names[places[int(np.abs(scores).argmax())]])


def _fit(names: tuple[str, ...], table: NDArray[np.float64], most_unlike: float) -> Usual:
    deviation = np.maximum(table.std(axis=0, ddof=1), _LEAST_DEVIATION)
    scores = (table - table.mean(axis=0)) / deviation
    correlation = scores.T @ scores / (len(table) - 1)
    return Usual(
        names,
        _rounded(table.mean(axis=0), 4),
        _rounded(deviation, 4),
        tuple(_rounded(row, 3) for row in correlation),
        most_unlike,
    )


def _rounded(values: NDArray[np.float64], digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)


def _detail(channel: NDArray[np.float32], axis: int) -> float:
    """Logarithm of the mean absolute step between neighbours along an axis, where neither is background."""
    lines: list[slice] = [slice(None, None, _EVERY)] * 3
    first, second = list(lines), list(lines)
    length = channel.shape[axis]
    first[axis], second[axis] = slice(0, length - 1, _EVERY), slice(1, length, _EVERY)
    a, b = channel[tuple(first)], channel[tuple(second)]
    both = (a != 0) & (b != 0)
    if not both.any():
        return 0.0
    return float(np.log(np.abs(a - b)[both].mean(dtype=np.float64) + 1e-6))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-9))
