"""Slicer's own test of the module: "Reload and Test" in its panel, or the extension's py_SegMamba test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from .inputs.exportVolumes import exportVolumes, worldAffine
from .inputs.inputCheck import problemWithInputs
from .inputs.roles import ROLES
from .result.importSegments import importSegments
from .result.regions import REGIONS


class SegMambaTest(ScriptedLoadableModuleTest):
    """What can be checked within Slicer in a second, without weights and further Python packages."""

    def setUp(self) -> None:
        """Start from an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run all."""
        self.setUp()
        self.test_segmentsReturnToTheVolumeUnderATransform()

    def test_segmentsReturnToTheVolumeUnderATransform(self) -> None:
        """Export a turned and moved volume, then import segments that lie on the exported file's grid."""
        volumes = {role: self._addVolume(role) for role in ROLES}
        self.assertIsNone(problemWithInputs(volumes, None))
        reference = volumes["t1c"]
        temporaryPath = Path(slicer.util.tempDirectory())
        files = exportVolumes(volumes, temporaryPath)
        self.assertTrue(all(path.stat().st_size > 0 for path in files.values()))

        masks = {region: np.zeros((4, 5, 6), np.uint8) for region in REGIONS}
        for depth, mask in enumerate(masks.values()):
            mask[1:3, 1:4, 1 + depth : 5] = 1
        path = temporaryPath / "segments.seg.nrrd"
        self._writeSegments(masks, worldAffine(reference), path)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        importSegments(path, segmentation, reference, worldAffine(reference))

        for region, mask in masks.items():
            found = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, region, reference)
            np.testing.assert_array_equal(found, mask)

    def _addVolume(self, name: str) -> slicer.vtkMRMLScalarVolumeNode:
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        turned = np.array([[0.8, -0.6, 0, 30], [0.6, 0.8, 0, -5], [0, 0, 1, 12], [0, 0, 0, 1.0]])
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turned))
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        slicer.util.updateVolumeFromArray(volume, np.arange(120, dtype=np.int16).reshape(4, 5, 6))
        affine = np.array([[0, -1.5, 0, 7], [1, 0, 0, -8], [0, 0, 2, 9], [0, 0, 0, 1.0]])
        volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
        volume.SetAndObserveTransformNodeID(transform.GetID())
        return volume

    def _writeSegments(self, masks: dict[str, np.ndarray], affine: np.ndarray, path: Path) -> None:
        grid = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        slicer.util.updateVolumeFromArray(grid, np.zeros((4, 5, 6), np.uint8))
        grid.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        node.SetReferenceImageGeometryParameterFromVolumeNode(grid)
        for region, mask in masks.items():
            node.GetSegmentation().AddEmptySegment(region, region)
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, region, grid)
        storage = slicer.vtkMRMLSegmentationStorageNode()
        storage.SetFileName(str(path))
        self.assertTrue(storage.WriteData(node))
