"""Nodes as arrays that know where they lie in the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from ..core import makeCoreImportable
from ..inputs.exportVolumes import affineToWorld

if TYPE_CHECKING:
    from SegMambaCore.volume.volume import Grid


def segmentMask(
    segmentation: slicer.vtkMRMLSegmentationNode, identifier: str
) -> tuple[NDArray[np.bool_], Grid]:
    """Return a segment's mask (k, j, i), its own box only, and the grid that places it in world RAS.

    The mask of an absent or empty segment has no voxels. Raises ValueError as `affineToWorld`.
    """
    makeCoreImportable()
    from SegMambaCore.volume.volume import Grid

    image = slicer.vtkOrientedImageData()
    extent = (0, -1, 0, -1, 0, -1)
    if segmentation.GetSegmentation().GetSegment(identifier) is not None:
        segmentation.GetBinaryLabelmapRepresentation(identifier, image)
        extent = image.GetExtent()
    i0, i1, j0, j1, k0, k1 = extent
    shape = (k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    if min(shape) < 1 or image.GetPointData().GetScalars() is None:
        return np.zeros((0, 0, 0), np.bool_), Grid((0, 0, 0), np.eye(4))
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)  # to the node's own coordinates, in spite of the name
    affine = affineToWorld(segmentation, slicer.util.arrayFromVTKMatrix(matrix))
    affine[:, 3] = affine @ (i0, j0, k0, 1)
    mask = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape) != 0
    return mask, Grid(shape, affine)
