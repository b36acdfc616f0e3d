"""A lesion cut across the patient's long axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.measures.lesions import Lesion
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Grid, Volume

_MOST_TILT_DEGREES = 5.0  # makes a length 0.4 % longer at most
_MOST_TILT_OF_THICK_SLICES_DEGREES = 30.0  # head tilt and the usual angulation are within it
_THICK = 2.0  # times the pixel size


@dataclass(frozen=True)
class AxialSlice:
    """A lesion's cross-section.

    mask: bool (rows, columns). origin: the centre of the first pixel, RAS millimetres. column_step, row_step:
    from a pixel to the next in its row and in its column, at right angles, RAS millimetres.
    """

    mask: NDArray[np.bool_]
    origin: NDArray[np.float64]
    column_step: NDArray[np.float64]
    row_step: NDArray[np.float64]

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Millimetres from column to column and from row to row."""
        return float(np.linalg.norm(self.column_step)), float(np.linalg.norm(self.row_step))

    def to_ras(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the RAS position of (x, y), millimetres along columns and rows from the origin."""
        width, height = self.pixel_size
        return self.origin + point[0] / width * self.column_step + point[1] / height * self.row_step


def axial_slices(lesion: Lesion) -> list[AxialSlice]:
    """Return the patient-axial slices that show a lesion, those across the superior axis of RAS, in order.

    The volume's own planes count as axial when they are tilted by no more than 5 degrees, whichever of its
    axes they cut; thick slices (over twice the pixel size) up to 30 degrees, as a radiologist reads them:
    nothing was acquired between them that axial planes could show. Otherwise the mask is interpolated
    linearly (inside from one half on) onto axial planes with pixels of the grid's smallest spacing, its
    largest spacing apart: finer planes would count one voxel as several slices. A lesion of a few voxels
    may then fall between the planes and have none.
    """
    axis = _axial_axis(lesion.grid)
    if axis is None:
        lesion, axis = _on_axial_planes(lesion), 2
    columns, rows = (other for other in range(3) if other != axis)
    stack = np.moveaxis(lesion.mask, 2 - axis, 0)  # (slice, rows, columns): arrays are indexed k, j, i
    affine = lesion.grid.affine
    return [
        AxialSlice(mask, affine[:3, 3] + number * affine[:3, axis], affine[:3, columns], affine[:3, rows])
        for number, mask in enumerate(stack)
        if mask.any()
    ]


def _axial_axis(grid: Grid) -> int | None:
    """Return the axis (0 is i) along which the grid's axial slices follow each other, if it has such slices."""
    cosines = np.abs(grid.affine[2, :3]) / grid.spacing
    axis = int(cosines.argmax())
    tilt = np.degrees(np.arccos(min(cosines[axis], 1.0)))
    in_plane = max(step for other, step in enumerate(grid.spacing) if other != axis)
    thick = grid.spacing[axis] > _THICK * in_plane
    most = _MOST_TILT_OF_THICK_SLICES_DEGREES if thick else _MOST_TILT_DEGREES
    return axis if tilt <= most else None


def _on_axial_planes(lesion: Lesion) -> Lesion:
    spacing = np.array([min(lesion.grid.spacing)] * 2 + [max(lesion.grid.spacing)])
    # A voxel more on all sides: halfway to it the interpolated mask reaches beyond the outermost centres.
    k, j, i = lesion.mask.shape
    grid = lesion.grid.box((-1, -1, -1), (k + 2, j + 2, i + 2))
    corners = np.array([[a, b, c, 1.0] for a in (0, i + 1) for b in (0, j + 1) for c in (0, k + 1)])
    corners = corners @ grid.affine.T[:, :3]
    first = corners.min(axis=0)
    # Planes at whole multiples of their distance: every lesion of a patient is cut by the same ones.
    first[2] = np.floor(first[2] / spacing[2]) * spacing[2]
    counts = np.ceil((corners.max(axis=0) - first) / spacing).astype(int) + 1
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = first
    planes = Grid((int(counts[2]), int(counts[1]), int(counts[0])), affine)
    inside = Volume(np.pad(lesion.mask, 1).astype(np.float32), grid.affine)
    return Lesion(resample(inside, planes).array >= 0.5, planes)
