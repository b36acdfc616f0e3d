"""An image that knows where it lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """Where voxels lie: the shape of the array and the affine that places it.

    shape: voxel counts in array order (k, j, i), as SimpleITK and 3D Slicer index their numpy arrays.
    affine: 4 x 4 float64, maps homogeneous voxel indices (i, j, k, 1) to RAS millimetres. Any rotation, any
        handedness, anisotropic spacing; no shear.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between voxels along i, j, k."""
        si, sj, sk = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(si), float(sj), float(sk)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def matches(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids hold the same voxels: equal shape, no voxel centres further apart."""
        if self.shape != other.shape:
            return False
        k, j, i = (n - 1 for n in self.shape)
        corners = np.array([[a, b, c, 1] for a in (0, i) for b in (0, j) for c in (0, k)], dtype=np.float64)
        return bool(np.abs(corners @ (self.affine - other.affine).T).max() <= tolerance_mm)

    def box(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Grid:
        """The grid of a box of these voxels; start and shape in (k, j, i), the start may lie outside."""
        affine = self.affine.copy()
        affine[:, 3] = self.affine @ (*start[::-1], 1.0)
        return Grid(shape, affine)


@dataclass(frozen=True)
class Volume:
    """One scalar image.

    array: shape (k, j, i); affine: (i, j, k, 1) -> RAS millimetres, as in `Grid`.
    name: what messages call it, a file name for instance.
    """

    array: NDArray
    affine: NDArray[np.float64]
    name: str = field(default="volume", compare=False)

    @property
    def grid(self) -> Grid:
        """The geometry without the voxel values."""
        k, j, i = self.array.shape
        return Grid((k, j, i), self.affine)
