"""A stand-in for Slicer's SegmentStatisticsPlugins: the same keys, from the same VTK filters on the same nodes."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
import slicer
import vtk


class _Plugin:
    def setParameterNode(self, node: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.node = node
        self.calls: list[str] = []

    def _nodeOf(self, parameter: str) -> Any:
        return slicer.mrmlScene.GetNodeByID(self.node.GetParameter(parameter))

    def _labelmap(self, identifier: str) -> slicer.vtkOrientedImageData | None:
        image = slicer.vtkOrientedImageData()
        self._nodeOf("Segmentation").GetBinaryLabelmapRepresentation(identifier, image)
        return image if image.GetPointData().GetScalars() is not None else None


class LabelmapSegmentStatisticsPlugin(_Plugin):
    """In the segmentation's own coordinates, as Slicer's."""

    def computeStatistics(self, identifier: str) -> dict[str, float]:
        self.calls.append(identifier)
        image = self._labelmap(identifier)
        if image is None:
            return {}
        count = _accumulated(image, image).GetVoxelCount()
        return {"voxel_count": count, "volume_cm3": count * float(np.prod(image.GetSpacing())) / 1000}


class ScalarVolumeSegmentStatisticsPlugin(_Plugin):
    """On the volume's voxels, with the transforms between the two nodes."""

    def computeStatistics(self, identifier: str) -> dict[str, float]:
        self.calls.append(identifier)
        image, volume = self._labelmap(identifier), self._nodeOf("ScalarVolume")
        if image is None:
            return {}
        geometry = slicer.vtkOrientedImageData()
        geometry.SetExtent(volume.GetImageData().GetExtent())
        ijkToRas = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(ijkToRas)
        geometry.SetGeometryFromImageToWorldMatrix(ijkToRas)
        transform = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
            self._nodeOf("Segmentation").GetParentTransformNode(), volume.GetParentTransformNode(), transform
        )
        resampled = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
            image, geometry, resampled, False, False, transform
        )
        accumulated = _accumulated(volume.GetImageData(), resampled)
        return {"mean": accumulated.GetMean()[0]} if accumulated.GetVoxelCount() else {}


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `import SegmentStatisticsPlugins` work for one test."""
    module = types.ModuleType("SegmentStatisticsPlugins")
    for plugin in (LabelmapSegmentStatisticsPlugin, ScalarVolumeSegmentStatisticsPlugin):
        setattr(module, plugin.__name__, plugin)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def _accumulated(values: vtk.vtkImageData, labelmap: vtk.vtkImageData) -> Any:
    from vtkmodules.vtkImagingStatistics import vtkImageAccumulate

    stencil = vtk.vtkImageToImageStencil()
    # The stencil goes by index: the two images have the same.
    mask = vtk.vtkImageData()
    mask.DeepCopy(labelmap)
    stencil.SetInputData(mask)
    stencil.ThresholdByUpper(0.5)
    stencil.Update()
    plain = vtk.vtkImageData()
    plain.ShallowCopy(values)
    plain.SetOrigin(mask.GetOrigin())
    plain.SetSpacing(mask.GetSpacing())
    accumulate = vtkImageAccumulate()
    accumulate.SetInputData(plain)
    accumulate.SetStencilData(stencil.GetOutput())
    accumulate.Update()
    return accumulate
