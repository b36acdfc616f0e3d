"""A head scanned: moved in the scanner, in slices of some thickness, with an uneven coil and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.sample.canvas import Canvas
from SegMambaCore.volume.convert import lps_geometry, lps_transform, to_sitk
from SegMambaCore.volume.volume import Grid, Volume

_FINE_STEP_MM = 1.0
_SCANNER_UNITS = 1500.0


@dataclass(frozen=True)
class Acquisition:
    """How a contrast is scanned.

    spacing: mm along the array's i, j, k. orientation: three letters, the directions towards which i, j, k run
        ("LPS" is axial, "PSR" sagittal). bias: the coil's unevenness, standard deviation of the logarithm.
        noise: standard deviation, of the 99th percentile.
    """

    spacing: tuple[float, float, float]
    orientation: str = "LPS"
    bias: float = 0.0
    noise: float = 0.0


def scan(
    head: Volume, motion: NDArray[np.float64], acquisition: Acquisition, rng: np.random.Generator
) -> Volume:
    """Return what the scanner sees of a head that a rigid motion (4 x 4, RAS mm) has moved, as int16.

    The field of view holds the head where it lies before the motion. A voxel is the mean over the slice's
    thickness. Noise is that of a magnitude image (Rice's), in the air too.
    """
    grid = field_of_view(head.grid, acquisition)
    parts = max(1, round(grid.spacing[2] / _FINE_STEP_MM))
    fine = _thinner(grid, parts)
    origin, spacing, direction = lps_geometry(fine)
    to_rest = lps_transform(np.linalg.inv(motion).astype(np.float64))
    seen = sitk.Resample(
        to_sitk(head),
        fine.shape[::-1],
        to_rest,
        sitk.sitkLinear,
        origin,
        spacing,
        direction,
        0.0,
        sitk.sitkFloat32,
    )
    signal = sitk.GetArrayFromImage(seen).reshape(grid.shape[0], parts, *grid.shape[1:]).mean(axis=1)
    if acquisition.bias:
        signal *= np.exp(np.float32(acquisition.bias) * Canvas(grid.shape, grid.spacing).noise(rng, 55.0))
    signal *= np.float32(_SCANNER_UNITS / np.percentile(signal, 99))
    if acquisition.noise:
        sigma = np.float32(acquisition.noise * _SCANNER_UNITS)
        real, imaginary = (sigma * rng.standard_normal(grid.shape, dtype=np.float32) for _ in range(2))
        signal = np.hypot(signal + real, imaginary)
    return Volume(np.clip(np.rint(signal), 0, 32767).astype(np.int16), grid.affine, head.name)


def field_of_view(around: Grid, acquisition: Acquisition) -> Grid:
    """Return the acquisition's grid over the box of another grid whose axes run nearly as the patient's do."""
    directions = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
    rows = np.array([directions[letter] for letter in acquisition.orientation])
    signs = np.array([1.0 if letter in "RAS" else -1.0 for letter in acquisition.orientation])
    k, j, i = around.shape
    corners = np.array([[a, b, c, 1] for a in (0, i - 1) for b in (0, j - 1) for c in (0, k - 1)])
    world = (corners @ around.affine.T)[:, :3]
    middle, extent = (world.max(axis=0) + world.min(axis=0)) / 2, np.ptp(world, axis=0)
    spacing = np.array(acquisition.spacing)
    counts = np.ceil(extent[rows] / spacing).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = 0
    affine[rows, np.arange(3)] = signs * spacing
    affine[:3, 3] = middle - affine[:3, :3] @ ((counts - 1) / 2)
    return Grid((int(counts[2]), int(counts[1]), int(counts[0])), affine)


def _thinner(grid: Grid, parts: int) -> Grid:
    affine = grid.affine.copy()
    affine[:3, 2] /= parts
    affine[:3, 3] += grid.affine[:3, 2] * (0.5 / parts - 0.5)
    k, j, i = grid.shape
    return Grid((k * parts, j, i), affine)
