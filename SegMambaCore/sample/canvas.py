"""The grid that the phantom is drawn on, with smooth random fields over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_STRIDE = 2  # outlines are smooth enough to be computed on every second voxel


@dataclass(frozen=True)
class Mass:
    """A growth that pushes tissue away. centre: x, y, z in the head frame; radius: both in mm."""

    centre: tuple[float, float, float]
    radius: float


@dataclass(frozen=True)
class HeadFrame:
    """Millimetres from the middle of the head: x to the patient's right, y to anterior, z to superior.

    The arrays broadcast to the shape (k, j, i) of their grid.
    """

    x: Field
    y: Field
    z: Field

    def pushed_from(self, mass: Mass) -> HeadFrame:
        """Return where the tissue at each point was before the mass pushed it outwards."""
        x, y, z = (
            axis - np.float32(middle)
            for axis, middle in zip((self.x, self.y, self.z), mass.centre, strict=True)
        )
        push = np.float32(0.35) * np.exp((x**2 + y**2 + z**2) / np.float32(-2 * mass.radius**2))
        return HeadFrame(self.x - push * x, self.y - push * y, self.z - push * z)


@dataclass(frozen=True)
class Canvas:
    """A grid (k, j, i) in "LPS" orientation around the head; spacing in mm along i, j, k."""

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @cached_property
    def frame(self) -> HeadFrame:
        """The head frame at each voxel."""
        return self._frame(self.shape, 1)

    @cached_property
    def coarse_frame(self) -> HeadFrame:
        """The head frame at every second voxel, for fields that `refine` will bring to the grid."""
        return self._frame(self.coarse_shape, _STRIDE)

    @property
    def coarse_shape(self) -> tuple[int, int, int]:
        """The shape of the arrays that `refine` takes: it reaches beyond the last voxel."""
        k, j, i = ((count - 1) // _STRIDE + 2 for count in self.shape)
        return k, j, i

    def refine(self, field: Field) -> Field:
        """Interpolate a field on the coarse frame linearly at every voxel."""
        for count, coarse_count in zip(self.shape, self.coarse_shape, strict=True):
            voxels = np.arange(count)
            below, remainder = np.divmod(voxels, _STRIDE)
            weights = np.zeros((count, coarse_count), dtype=np.float32)
            weights[voxels, below] = 1 - remainder / _STRIDE
            weights[voxels, below + 1] = remainder / _STRIDE
            field = _along_first_axis(weights, field)
        return field

    def noise(self, rng: np.random.Generator, scale_mm: float) -> Field:
        """Return Gaussian noise of mean 0 and standard deviation 1, smooth over a Gaussian of that sigma."""
        kernels = []
        for count, step in zip(self.shape, self.spacing[::-1], strict=True):
            nodes = np.arange(-3, math.ceil(count * step / scale_mm) + 4, dtype=np.float32) * scale_mm
            distances = np.arange(count, dtype=np.float32)[:, None] * np.float32(step) - nodes
            kernel = np.exp(-0.5 * (distances / np.float32(scale_mm)) ** 2)
            kernels.append(kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True)))
        field = rng.standard_normal(tuple(kernel.shape[1] for kernel in kernels), dtype=np.float32)
        for kernel in kernels:
            field = _along_first_axis(kernel, field)
        return field

    def _frame(self, shape: tuple[int, int, int], stride: int) -> HeadFrame:
        k, j, i = (
            np.arange(count, dtype=np.float32) * stride - (voxels - 1) / 2
            for count, voxels in zip(shape, self.shape, strict=True)
        )
        si, sj, sk = np.asarray(self.spacing, dtype=np.float32)
        return HeadFrame(-si * i[None, None, :], -sj * j[None, :, None], sk * k[:, None, None])


def _along_first_axis(weights: Field, field: Field) -> Field:
    """Multiply the first axis by a matrix (new, old) and move it to the end; three passes keep the order."""
    first, *others = field.shape
    return (field.reshape(first, -1).T @ weights.T).reshape(*others, len(weights))
