"""Grids of every awkward kind, and a function of RAS position to fill them with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.volume.volume import Grid, Volume


def rotation(degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the rotation about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def grid_around(
    centre: tuple[float, float, float],
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    axes: NDArray,
    degrees: tuple[float, float, float] = (0, 0, 0),
) -> Grid:
    """Return a grid (k, j, i) whose middle lies at a RAS position; axes: signed permutation."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) @ axes * spacing
    affine[:3, 3] = np.array(centre) - affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, affine)


RAS = np.eye(3)
LPS = np.diag([-1.0, -1.0, 1.0])
LAS = np.diag([-1.0, 1.0, 1.0])
SAGITTAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # i to P, j to I, k to R

GRIDS = {
    "ras": grid_around((3, -5, 9), (20, 22, 24), (1, 1, 1), RAS),
    "anisotropic": grid_around((3, -5, 9), (9, 40, 36), (0.7, 0.6, 2.9), LPS),
    "left-handed": grid_around((3, -5, 9), (20, 22, 24), (1.1, 1, 1.2), LAS),
    "oblique": grid_around((3, -5, 9), (20, 22, 24), (1, 1.2, 1.4), LPS, (11, -23, 8)),
    "sagittal oblique": grid_around((3, -5, 9), (18, 26, 24), (0.9, 1, 1.5), SAGITTAL, (-9, 14, 5)),
    "left-handed oblique": grid_around((3, -5, 9), (20, 22, 24), (1, 1, 1.3), LAS, (17, 6, -12)),
}


def positions(grid: Grid) -> NDArray[np.float64]:
    """Return the RAS position of each voxel, shape (k, j, i, 3)."""
    k, j, i = np.indices(grid.shape)
    return (np.stack([i, j, k, np.ones_like(i)], axis=-1) @ grid.affine.T)[..., :3]


def linear_function(position: NDArray) -> NDArray:
    """A linear function of RAS position: linear interpolation reproduces it exactly."""
    return 100 + position @ np.array([1.7, -2.3, 3.1])


def filled(grid: Grid) -> Volume:
    """Return a float32 volume of `linear_function` on a grid."""
    return Volume(linear_function(positions(grid)).astype(np.float32), grid.affine, "linear")
