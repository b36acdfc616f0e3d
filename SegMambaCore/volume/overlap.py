"""Whether two grids share any space."""

from __future__ import annotations

import numpy as np

from SegMambaCore.volume.volume import Grid


def grids_overlap(one: Grid, other: Grid) -> bool:
    """Whether any point of a lattice over one of the grids, at most 24 points a side, lies within the other."""
    return _reaches_into(one, other) or _reaches_into(other, one)


def _reaches_into(grid: Grid, other: Grid) -> bool:
    k, j, i = (np.linspace(0, count - 1, min(count, 24)) for count in grid.shape)
    points = np.stack([axis.ravel() for axis in np.meshgrid(i, j, k)])
    to_other = np.linalg.inv(other.affine) @ grid.affine
    indices = to_other[:3, :3] @ points + to_other[:3, 3:]
    upper = np.array(other.shape[::-1])[:, None] - 0.5
    return bool(((indices >= -0.5) & (indices <= upper)).all(axis=0).any())
