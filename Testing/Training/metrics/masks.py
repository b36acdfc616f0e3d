"""Pairs of masks that metrics stumble over, and some that they should not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SHAPE = (24, 30, 18)
SPACING = (1.0, 0.8, 2.5)

Mask = NDArray[np.bool_]


def blobs(seed: int, filled: float = 0.2) -> Mask:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2)
    return noise > np.quantile(noise, 1 - filled)


def noise(seed: int, filled: float) -> Mask:
    return np.random.default_rng(seed).random(SHAPE) < filled


def box(*bounds: tuple[int, int], shape: tuple[int, int, int] = SHAPE) -> Mask:
    mask = np.zeros(shape, dtype=np.bool_)
    mask[tuple(slice(*side) for side in bounds)] = True
    return mask


PAIRS: dict[str, tuple[Mask, Mask]] = {
    **{f"blobs {seed}": (blobs(seed), blobs(seed + 100, 0.05)) for seed in range(4)},
    "noise, dense": (noise(0, 0.5), noise(1, 0.4)),
    "noise, sparse": (noise(2, 0.01), noise(3, 0.002)),
    "one voxel each": (box((2, 3), (3, 4), (4, 5)), box((2, 3), (6, 7), (8, 9))),
    "one voxel in a blob": (box((2, 3), (3, 4), (4, 5)), blobs(5)),
    "the same": (blobs(6), blobs(6)),
    "everything": (np.ones(SHAPE, dtype=np.bool_), blobs(7)),
    "at the border": (box((0, 5), (0, 30), (0, 1)), box((20, 24), (28, 30), (17, 18))),
    "a plane": (box((0, 24), (10, 11), (0, 18)), box((0, 24), (12, 13), (0, 18))),
    "a shell around its core": (
        box((2, 12), (2, 12), (2, 12)) ^ box((4, 10), (4, 10), (4, 10)),
        box((6, 8), (6, 8), (6, 8)),
    ),
}
