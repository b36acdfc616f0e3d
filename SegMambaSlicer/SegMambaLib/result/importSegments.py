"""The result's file as segments of the scene, voxel by voxel on the reference volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from .regions import REGIONS
from .segmentEditor import allowOverlap
from .wholeNrrd import isWholeNrrd

_TOLERANCE_MM = 1e-3
_ORIGIN_TAGS = (
    "Segmentation.Status",
    "SegMamba.Computed",
    "SegMamba.Model",
    "SegMamba.Date",
    "DICOM.SegmentAlgorithmType",
    "DICOM.SegmentAlgorithmName",
)


def importSegments(
    path: Path,
    segmentation: slicer.vtkMRMLSegmentationNode,
    reference: slicer.vtkMRMLScalarVolumeNode,
    fileAffine: NDArray[np.float64],
) -> None:
    """Put WT, TC and ET of a .seg.nrrd into a node, with the file's names, colors and terminology.

    fileAffine: where the reference's voxels lay in the world when they were exported, (i, j, k, 1) to RAS
    millimetres: the file's grid has to be that. The voxels go back by index, so they stay on the reference
    even if it was moved since. The node gets the reference's parent transform, geometry and place in the
    subject hierarchy, and surfaces in 3D.
    Raises RuntimeError when the file cannot be read, lacks a segment or lies on another grid; then nothing
    has changed.
    """
    loaded = _readSegmentation(path)
    shape = slicer.util.arrayFromVolume(reference).shape
    masks = {region: _mask(loaded, region, shape, fileAffine) for region in REGIONS}

    # Before the voxels: a transform that arrives afterwards would move them.
    transform = reference.GetParentTransformNode()
    segmentation.SetAndObserveTransformNodeID(transform.GetID() if transform else None)
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    if segmentation.GetDisplayNode() is None:
        segmentation.CreateDefaultDisplayNodes()
    with slicer.util.NodeModify(segmentation):
        for region, mask in masks.items():
            _setSegment(segmentation, region, mask, loaded.GetSegmentation().GetSegment(region), reference)
    segmentation.CreateClosedSurfaceRepresentation()
    _placeBeside(segmentation, reference)
    allowOverlap()


def _readSegmentation(path: Path) -> slicer.vtkMRMLSegmentationNode:
    # A scene of its own: the user's never shows a passing node.
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not isWholeNrrd(path) or not storage.ReadData(node):
        raise RuntimeError(_("The result {path} could not be read.").format(path=path))
    return node


def _mask(
    loaded: slicer.vtkMRMLSegmentationNode,
    region: str,
    shape: tuple[int, int, int],
    fileAffine: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Return the segment as an array (k, j, i) of the shape, 1 inside."""
    if loaded.GetSegmentation().GetSegment(region) is None:
        raise RuntimeError(_("The result lacks the segment {region}.").format(region=region))
    mask = np.zeros(shape, np.uint8)
    image = slicer.vtkOrientedImageData()
    loaded.GetBinaryLabelmapRepresentation(region, image)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    if i0 > i1 or j0 > j1 or k0 > k1:
        return mask
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    difference = (slicer.util.arrayFromVTKMatrix(matrix) - fileAffine) @ np.array([*shape[::-1], 1])
    fits = min(i0, j0, k0) >= 0 and k1 < shape[0] and j1 < shape[1] and i1 < shape[2]
    if not fits or np.abs(difference).max() > _TOLERANCE_MM:
        raise RuntimeError(_("The result does not lie on the voxels of the reference volume."))
    voxels = vtk_to_numpy(image.GetPointData().GetScalars())
    mask[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = voxels.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1) > 0
    return mask


def _setSegment(
    segmentation: slicer.vtkMRMLSegmentationNode,
    region: str,
    mask: NDArray[np.uint8],
    template: slicer.vtkSegment,
    reference: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    segments = segmentation.GetSegmentation()
    if segments.GetSegment(region) is None:
        segment = slicer.vtkSegment()
        segment.DeepCopyMetadata(template)
        segments.AddSegment(segment, region)
        _showThrough(segmentation.GetDisplayNode(), region)
    else:
        # Whose work the segment is, and that nobody has reviewed it; the user's name and color for it stay.
        for tag in _ORIGIN_TAGS:
            value = vtk.reference("")
            template.GetTag(tag, value)
            segments.GetSegment(region).SetTag(tag, str(value))
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, region, reference)


def _showThrough(display: slicer.vtkMRMLSegmentationDisplayNode, region: str) -> None:
    # Opaque, WT would hide what lies in it: in 3D altogether, in the slices in part.
    opacity3D, opacity2D = {"WT": (0.25, 0.2), "TC": (0.5, 0.35), "ET": (1.0, 0.5)}[region]
    display.SetSegmentOpacity3D(region, opacity3D)
    display.SetSegmentOpacity2DFill(region, opacity2D)


def _placeBeside(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode
) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(reference))
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(segmentation), study)
