"""The box that a mask fills."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Box = tuple[slice, slice, slice]
"""A part of an array (k, j, i), or of a tensor (D, H, W)."""


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box (k, j, i) that holds all true voxels of a mask, None where none is true."""
    k = _bounds(mask.any(axis=(1, 2)))
    if k is None:
        return None
    j, i = _bounds(mask[k].any(axis=(0, 2))), _bounds(mask[k].any(axis=(0, 1)))
    assert j is not None and i is not None
    return k, j, i


def _bounds(line: ArrayLike) -> slice | None:
    hit = np.flatnonzero(line)
    return slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else None
