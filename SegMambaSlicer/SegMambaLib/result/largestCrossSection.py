"""Slice views that show a region where it is largest."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray

from ..inputs.exportVolumes import worldAffine
from .regionMasks import referenceVolume, regionMasks


def jumpToLargestCrossSection(segmentation: slicer.vtkMRMLSegmentationNode, region: str = "WT") -> bool:
    """Move every slice view of the scene to the region's largest cross-section; return whether there is one.

    Each view goes to the largest one among the planes of voxels that are the most parallel to it.
    Raises ValueError for a segmentation without the regions or without its volume.
    """
    mask = regionMasks(segmentation)[region]
    if not mask.any():
        return False
    affine = worldAffine(referenceVolume(segmentation))
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        toRas = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())
        sliceNode.JumpSliceByCentering(*largestCrossSectionCenter(mask, affine, toRas[:3, 2]))
    return True


def largestCrossSectionCenter(
    mask: NDArray[np.bool_], affine: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the centroid, in RAS millimetres, of a mask's largest cross-section.

    mask: (k, j, i), not empty; affine: (i, j, k, 1) to RAS; normal: of the view, RAS, of length 1.
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    axis = int(np.argmax(np.abs(normal @ directions)))  # i, j or k
    planes = np.moveaxis(mask, 2 - axis, 0)
    largest = int(np.argmax(planes.sum(axis=(1, 2))))
    voxels = np.argwhere(planes[largest])
    center = np.insert(voxels.mean(axis=0), 2 - axis, largest)[::-1]
    return np.asarray(affine[:3, :3] @ center + affine[:3, 3])
