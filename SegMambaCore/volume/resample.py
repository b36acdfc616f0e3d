"""Bringing volumes to other orientations and grids, always in physical space."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.volume.convert import from_sitk, lps_geometry, to_sitk
from SegMambaCore.volume.volume import Grid, Volume

_DIRECTIONS = {
    "R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1),
}  # fmt: skip
_INTERPOLATORS = {"linear": sitk.sitkLinear, "nearest": sitk.sitkNearestNeighbor}


def to_orientation(volume: Volume, orientation: str) -> Volume:
    """Permute and flip the array's axes so that i, j, k run as nearly as possible where the letters say.

    orientation: three letters of R/L, A/P, S/I, the directions towards which i, j and k run: "LPS" is BraTS.

    No voxel value changes and every voxel stays where it is in the patient; an oblique volume stays oblique.
    The array of the result is a view of the input's.
    """
    source_axis, sign = _axes_towards(volume.affine, orientation)
    # Target axes come as i, j, k; the array's axes are k, j, i.
    array = volume.array.transpose([2 - source_axis[axis] for axis in (2, 1, 0)])
    array = array[tuple(slice(None, None, sign[axis]) for axis in (2, 1, 0))]

    counts = volume.array.shape[::-1]
    to_source = np.zeros((4, 4))
    to_source[3, 3] = 1.0
    for target, source in enumerate(source_axis):
        to_source[source, target] = sign[target]
        to_source[source, 3] = 0 if sign[target] > 0 else counts[source] - 1
    return Volume(array, volume.affine @ to_source, volume.name)


def resample(
    volume: Volume,
    grid: Grid,
    *,
    interpolation: Literal["linear", "nearest"] = "linear",
    outside: float = 0.0,
) -> Volume:
    """Return the volume's values at the voxel centres of a grid, in physical space.

    Linear interpolation gives float32, nearest neighbour keeps the dtype. Points up to half a voxel beyond
    the outermost voxel centres take the nearest voxel's value; all others take `outside`.
    """
    image = to_sitk(volume)
    origin, spacing, direction = lps_geometry(grid)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(grid.shape[::-1])
    resampler.SetOutputOrigin(origin)
    resampler.SetOutputSpacing(spacing)
    resampler.SetOutputDirection(direction)
    resampler.SetInterpolator(_INTERPOLATORS[interpolation])
    resampler.SetDefaultPixelValue(outside)
    resampler.SetOutputPixelType(sitk.sitkFloat32 if interpolation == "linear" else image.GetPixelID())
    array = from_sitk(resampler.Execute(image), volume.name).array
    return Volume(array, grid.affine, volume.name)


def grid_at_spacing(grid: Grid, spacing_kji: tuple[float, float, float]) -> Grid:
    """Return the grid that covers the same field of view at another spacing (millimetres along k, j, i).

    The outer corner of voxel (0, 0, 0) stays where it is. Where the field of view is no whole number of
    voxels, the grid reaches beyond its far side by less than one voxel.
    """
    old = np.asarray(grid.spacing)
    new = np.asarray(spacing_kji[::-1], dtype=np.float64)
    extent = old * grid.shape[::-1]
    # A hundredth of a voxel too much does not earn another slice: spacings in headers are rounded.
    counts = [max(1, math.ceil(length / step - 0.01)) for length, step in zip(extent, new, strict=True)]
    affine = grid.affine.copy()
    affine[:3, :3] *= new / old
    corner = grid.affine @ (-0.5, -0.5, -0.5, 1.0)
    affine[:3, 3] = corner[:3] + affine[:3, :3] @ (0.5, 0.5, 0.5)
    return Grid((counts[2], counts[1], counts[0]), affine)


def _axes_towards(affine: NDArray[np.float64], orientation: str) -> tuple[tuple[int, ...], list[int]]:
    """For the target axes i, j, k: the volume's axis that each takes, and 1 or -1 for along or against it."""
    wanted = np.array([_DIRECTIONS[letter] for letter in orientation], dtype=np.float64)
    cosines = wanted @ (
        affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    )  # (target axis, volume's axis)
    best = max(permutations(range(3)), key=lambda axes: sum(abs(cosines[t, s]) for t, s in enumerate(axes)))
    return best, [1 if cosines[target, source] >= 0 else -1 for target, source in enumerate(best)]
