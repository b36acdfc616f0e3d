"""Where the middle of a head is: the plane halfway between its left and right outline.

An approximation. It follows turned and tilted heads, but knows nothing of the falx, which a large tumor
shifts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.volume.head import head_threshold
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Grid, Volume

_LATTICE_MM = 3.0
_LEAST_WIDTH_MM = 60.0  # narrower lines across the head, at its poles, say little about its middle
_LEAST_LINES = 150
_MOST_RESIDUAL_MM = 4.0
_MOST_TILT = 0.5  # tangent: 27 degrees
_ROUNDS = 20


@dataclass(frozen=True)
class MidsagittalPlane:
    """right = offset + anterior_slope * anterior + superior_slope * superior, RAS millimetres."""

    offset: float
    anterior_slope: float
    superior_slope: float

    def distance_to_right(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far RAS points (n, 3) lie to the patient's right of the plane, left negative, in mm."""
        normal = np.array([1.0, -self.anterior_slope, -self.superior_slope])
        return (points @ normal - self.offset) / np.linalg.norm(normal)


def find_midsagittal_plane(volume: Volume) -> MidsagittalPlane | None:
    """Return the plane for the head, or the brain, that a volume shows; None where it cannot be relied on.

    None for a grid that looks as if nobody had recorded where the patient lay (axes along those of RAS and the
    first voxel at the origin), when most lines across the head leave the field of view, and when their middles
    do not lie on one plane.
    """
    if _looks_unrecorded(volume.grid):
        return None
    points = _middles(volume)
    if len(points) < _LEAST_LINES:
        return None
    (offset, anterior, superior), residuals = _fit(points)
    if np.median(np.abs(residuals)) > _MOST_RESIDUAL_MM or max(abs(anterior), abs(superior)) > _MOST_TILT:
        return None
    return MidsagittalPlane(float(offset), float(anterior), float(superior))


def _looks_unrecorded(grid: Grid) -> bool:
    directions = grid.affine[:3, :3] / grid.spacing
    return bool((np.abs(directions) == np.eye(3)).all() and (grid.affine[:3, 3] == 0).all())


def _middles(volume: Volume) -> NDArray[np.float64]:
    """Return the middles, (n, 3) RAS, of lines from the head's left to its right outline."""
    lattice = _lattice_around(volume.grid)
    values = resample(volume, lattice, outside=np.nan).array  # (superior, anterior, right)
    seen = ~np.isnan(values)
    head = values > head_threshold(volume.array)
    first = head.argmax(axis=2)
    last = head.shape[2] - 1 - head[:, :, ::-1].argmax(axis=2)
    k, j = np.nonzero(head.any(axis=2) & ((last - first) * _LATTICE_MM >= _LEAST_WIDTH_MM))
    first, last = first[k, j], last[k, j]
    # A head that is cut off by the field of view has no outline there.
    right_end = np.minimum(last + 1, head.shape[2] - 1)
    whole = seen[k, j, np.maximum(first - 1, 0)] & seen[k, j, right_end]
    whole &= (first > 0) & (last < head.shape[2] - 1)
    indices = np.column_stack([(first + last) / 2, j, k, np.ones(len(k))])[whole]
    return (indices @ lattice.affine.T)[:, :3]


def _lattice_around(grid: Grid) -> Grid:
    k, j, i = grid.shape
    corners = np.array([[a, b, c, 1.0] for a in (0, i - 1) for b in (0, j - 1) for c in (0, k - 1)])
    corners = corners @ grid.affine.T[:, :3]
    first = corners.min(axis=0)
    counts = np.floor((corners.max(axis=0) - first) / _LATTICE_MM).astype(int) + 1
    affine = np.diag([_LATTICE_MM] * 3 + [1.0])
    affine[:3, 3] = first
    return Grid((int(counts[2]), int(counts[1]), int(counts[0])), affine)


def _fit(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least absolute deviations by reweighting: an ear, or a resection, pulls only the lines that meet it."""
    system = np.column_stack([np.ones(len(points)), points[:, 1:]])
    weights = np.ones(len(points))
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(system * root[:, None], points[:, 0] * root, rcond=None)[0]
        residuals = points[:, 0] - system @ solution
        weights = 1 / np.maximum(np.abs(residuals), 0.1)
    return solution, residuals
