"""Between `Volume` (RAS) and SimpleITK's image (LPS): the one place where the two systems meet."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.volume.volume import Grid, Volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def to_sitk(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image (LPS) with a copy of the voxels of a volume (RAS)."""
    image = sitk.GetImageFromArray(volume.array)
    origin, spacing, direction = lps_geometry(volume.grid)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    return image


def from_sitk(image: sitk.Image, name: str) -> Volume:
    """Return the volume (RAS) with a copy of the voxels of a scalar 3D SimpleITK image (LPS)."""
    return Volume(sitk.GetArrayFromImage(image), ras_affine(image), name)


def lps_geometry(grid: Grid) -> tuple[list[float], list[float], list[float]]:
    """Return ITK's origin (mm, LPS), spacing (mm) and direction cosines (row by row) of a grid (RAS)."""
    affine = _LPS_TO_RAS @ grid.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    direction = affine[:3, :3] / spacing
    return affine[:3, 3].tolist(), spacing.tolist(), direction.ravel().tolist()


def ras_affine(image: sitk.Image | sitk.ImageFileReader) -> NDArray[np.float64]:
    """Return the 4 x 4 affine (i, j, k, 1) -> RAS millimetres of a 3D image or of a file's header."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return _LPS_TO_RAS @ affine


def ras_matrix(transform: sitk.Transform) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix (RAS mm) of a linear ITK transform (LPS mm), in the same direction."""
    columns = [
        np.array(transform.TransformPoint(point)) for point in np.vstack([np.eye(3), np.zeros(3)]).tolist()
    ]
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack(columns[:3], axis=1) - columns[3][:, None]
    matrix[:3, 3] = columns[3]
    return _LPS_TO_RAS @ matrix @ _LPS_TO_RAS


def lps_transform(matrix: NDArray[np.float64]) -> sitk.AffineTransform:
    """Return the ITK transform (LPS mm) of a 4 x 4 matrix (RAS mm), in the same direction."""
    lps = _LPS_TO_RAS @ matrix @ _LPS_TO_RAS
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform
