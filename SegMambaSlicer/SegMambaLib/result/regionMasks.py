"""The regions of a segmentation as arrays."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray
from slicer.i18n import tr as _

from .regions import REGIONS


def referenceVolume(segmentation: slicer.vtkMRMLSegmentationNode) -> slicer.vtkMRMLScalarVolumeNode:
    """Return the volume on whose voxels the regions lie. Raises ValueError when it is not in the scene."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    volume = segmentation.GetNodeReference(role)
    if volume is None:
        raise ValueError(
            _("The volume that {name} belongs to is not in the scene.").format(name=segmentation.GetName())
        )
    return volume


def hasRegions(segmentation: slicer.vtkMRMLSegmentationNode | None) -> bool:
    """Whether a segmentation has the segments WT, TC and ET."""
    return segmentation is not None and all(
        segmentation.GetSegmentation().GetSegment(region) is not None for region in REGIONS
    )


def regionMasks(segmentation: slicer.vtkMRMLSegmentationNode) -> dict[str, NDArray[np.bool_]]:
    """Return the regions as arrays (k, j, i) on the voxels of their volume.

    Raises ValueError for a segmentation without the three regions or without its volume.
    """
    if not hasRegions(segmentation):
        raise ValueError(
            _("The segmentation {name} does not hold WT, TC and ET.").format(name=segmentation.GetName())
        )
    volume = referenceVolume(segmentation)
    return {
        region: slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, region, volume) > 0
        for region in REGIONS
    }
