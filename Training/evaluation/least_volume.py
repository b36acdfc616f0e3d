"""Below which volume a region is better taken for absent, told by the tables of models on cases they had not seen.

A small region that is not there costs the whole Dice of a case in the convention of BraTS 2021, where both empty is 1;
a small one that is there is lost as a whole. Which of the two weighs more, only held-out cases can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from Training.evaluation.table import number

CANDIDATES = (0, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000)
"""Voxels; 0 keeps everything."""

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Choice:
    """What a table of held-out cases says about one region.

    dice: mean Dice with each of `CANDIDATES`. best: the smallest candidate with the highest mean.
    gain: of `best` over 0 on the same cases, which flatters. honest_gain: mean over folds, each with the candidate that
        was best on the other folds; None for a single fold.
    """

    region: str
    dice: tuple[float, ...]
    best: int
    gain: float
    honest_gain: float | None


def choose(region: str, folds: Sequence[Sequence[Cells]]) -> Choice:
    """Return the choice for a region from the rows of each fold's cases.csv, one way of inference.

    Raises SegMambaError when a table lacks a column.
    """
    tables = [_dice_by_candidate(region, rows) for rows in folds]
    everything = np.concatenate(tables)
    means = everything.mean(axis=0)
    best = int(np.argmax(means))
    return Choice(
        region=region,
        dice=tuple(float(value) for value in means),
        best=CANDIDATES[best],
        gain=float(means[best] - means[0]),
        honest_gain=_honest_gain(tables) if len(tables) > 1 else None,
    )


def _honest_gain(tables: Sequence[NDArray[np.float64]]) -> float:
    gains = []
    for number_of_fold, table in enumerate(tables):
        others = np.concatenate([other for n, other in enumerate(tables) if n != number_of_fold])
        chosen = int(np.argmax(others.mean(axis=0)))
        gains.append(table[:, chosen] - table[:, 0])
    return float(np.concatenate(gains).mean())


def _dice_by_candidate(region: str, rows: Sequence[Cells]) -> NDArray[np.float64]:
    """(cases, candidates): Dice of each case were the region dropped below so many voxels."""
    names = (f"voxels_{region}", f"reference_voxels_{region}", f"dice_{region}_brats2021")
    if missing := [name for name in names if name not in rows[0]]:
        raise SegMambaError(f"A table has no column `{missing[0]}`. Give cases.csv of Training/evaluate.py.")
    found, there, dice = (np.array([number(row[name]) for row in rows]) for name in names)
    dropped = np.array(CANDIDATES)[None] > found[:, None]
    return np.where(dropped, (there == 0)[:, None], dice[:, None]).astype(np.float64)
