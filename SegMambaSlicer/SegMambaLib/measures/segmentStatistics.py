"""Volume and mean intensity of a segment: by Slicer's own Segment Statistics, or by SegMambaCore where that is not.

Both count voxels: of the segment for its volume, of the volume node for its mean.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import slicer
import vtk

from ..core import makeCoreImportable
from ..inputs.volumeInWorld import volumeInWorld
from .nodeArrays import segmentMask


class SegmentStatistics(Protocol):
    """What is asked about a segment, under linear transforms."""

    def volumeMl(self, segmentation: slicer.vtkMRMLSegmentationNode, identifier: str) -> float:
        """Return a segment's volume in the world, 0 for an empty one."""
        ...

    def meanIntensity(
        self,
        segmentation: slicer.vtkMRMLSegmentationNode,
        identifier: str,
        volume: slicer.vtkMRMLScalarVolumeNode,
    ) -> float | None:
        """Return the mean of the volume's voxels within a segment, None where there are none."""
        ...


def segmentStatistics() -> SegmentStatistics:
    """Return Slicer's statistics, which come with the application, or else those of SegMambaCore."""
    try:
        import SegmentStatisticsPlugins
    except ImportError:
        return CoreStatistics()
    return SlicerStatistics(
        SegmentStatisticsPlugins.LabelmapSegmentStatisticsPlugin(),
        SegmentStatisticsPlugins.ScalarVolumeSegmentStatisticsPlugin(),
    )


class SlicerStatistics:
    """The plugins of Segment Statistics, not that module's logic: it adds nodes to the scene for every call."""

    def __init__(self, labelmap: Any, scalarVolume: Any) -> None:
        self._labelmap, self._scalarVolume = labelmap, scalarVolume
        self._parameters = slicer.vtkMRMLScriptedModuleNode()  # never in the scene
        for plugin in (labelmap, scalarVolume):
            plugin.setParameterNode(self._parameters)

    def volumeMl(self, segmentation: slicer.vtkMRMLSegmentationNode, identifier: str) -> float:
        self._parameters.SetParameter("Segmentation", segmentation.GetID())
        statistics = self._labelmap.computeStatistics(identifier)
        # The plugin measures in the node's own coordinates.
        return float(statistics.get("volume_cm3", 0.0)) * _scale(segmentation)

    def meanIntensity(
        self,
        segmentation: slicer.vtkMRMLSegmentationNode,
        identifier: str,
        volume: slicer.vtkMRMLScalarVolumeNode,
    ) -> float | None:
        self._parameters.SetParameter("Segmentation", segmentation.GetID())
        self._parameters.SetParameter("ScalarVolume", volume.GetID())
        mean = self._scalarVolume.computeStatistics(identifier).get("mean")
        return None if mean is None else float(mean)


class CoreStatistics:
    """SegMambaCore's figures."""

    def volumeMl(self, segmentation: slicer.vtkMRMLSegmentationNode, identifier: str) -> float:
        mask, grid = segmentMask(segmentation, identifier)
        return int(np.count_nonzero(mask)) * grid.voxel_volume_ml

    def meanIntensity(
        self,
        segmentation: slicer.vtkMRMLSegmentationNode,
        identifier: str,
        volume: slicer.vtkMRMLScalarVolumeNode,
    ) -> float | None:
        makeCoreImportable()
        from SegMambaCore.measures.intensity import mean_intensity

        mask, grid = segmentMask(segmentation, identifier)
        try:
            return mean_intensity(mask, grid, volumeInWorld(volume)) if mask.any() else None
        except ValueError:  # under a warp, or without voxels: no one affine places it
            return None


def _scale(node: slicer.vtkMRMLTransformableNode) -> float:
    """How many times larger a node's linear parent transforms make it."""
    transform = node.GetParentTransformNode()
    if transform is None:
        return 1.0
    toWorld = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(toWorld)
    return float(abs(np.linalg.det(slicer.util.arrayFromVTKMatrix(toWorld))))
