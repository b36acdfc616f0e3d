"""A head scanned twice, the second time moved by a motion that is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from SegMambaCore.volume.volume import Grid, Volume


def motion(
    centre: NDArray[np.float64], mm: float = 20.0, degrees: float = 20.0, seed: int = 0
) -> NDArray[np.float64]:
    """A 4 x 4 rigid motion (RAS mm) by so much, about a random axis through the centre, in a random direction."""
    rng = np.random.default_rng(seed)
    axis, shift = rng.normal(size=(2, 3))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.deg2rad(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre + mm * shift / np.linalg.norm(shift)
    return matrix


def centre_of(volume: Volume) -> NDArray[np.float64]:
    """The middle of the array, RAS mm."""
    return (volume.affine @ [*(np.array(volume.array.shape[::-1]) / 2), 1.0])[:3]


def scan_again(head: Volume, moved: NDArray[np.float64], grid: Grid, noise: float = 0.02) -> Volume:
    """The head, moved (4 x 4, RAS mm), on a grid of its own; a thick slice is the mean over its thickness."""
    k, j, i = np.indices(grid.shape, dtype=np.float64)
    parts = max(1, round(grid.spacing[2] / 1.5))
    total = np.zeros(grid.shape)
    to_voxels = np.linalg.inv(head.affine) @ np.linalg.inv(moved) @ grid.affine
    for part in range(parts):
        points = np.stack([i, j, k + (part + 0.5) / parts - 0.5, np.ones_like(i)], axis=-1) @ to_voxels.T
        total += map_coordinates(
            head.array.astype(np.float64), np.moveaxis(points[..., 2::-1], -1, 0), order=1
        )
    rng = np.random.default_rng(1)
    total = total / parts
    total += (total > 0) * rng.normal(size=grid.shape) * noise * np.percentile(total, 99)
    return Volume(total.astype(np.float32), grid.affine, "second scan")


def grid_around(
    centre: NDArray[np.float64], shape: tuple[int, int, int], spacing: tuple[float, float, float]
) -> Grid:
    """An oblique grid (k, j, i) of that spacing (i, j, k) whose middle is the centre (RAS mm)."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [9, -6, 4], degrees=True).as_matrix() @ np.diag(
        np.array(spacing) * [-1, -1, 1]
    )
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array(shape[::-1]) / 2)
    return Grid(shape, affine)


def registration_errors(
    head: Volume, moved: NDArray[np.float64], found: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Target registration errors in mm over the head's voxels: `found` (moving to fixed) after the true motion."""
    voxels = np.argwhere(head.array > 0)[::200, ::-1]
    points = np.column_stack([voxels, np.ones(len(voxels))]) @ head.affine.T
    return np.linalg.norm((points @ (found @ moved).T - points)[:, :3], axis=1)
