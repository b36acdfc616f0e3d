"""The transform file of SegMambaCore as Slicer reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from patients import motion

from SegMambaCore.registration.transform_file import write_transform


def test_the_node_moves_from_moving_to_fixed(tmp_path: Path) -> None:
    write_transform(motion(), tmp_path / "moving_to_fixed.tfm")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(tmp_path / "moving_to_fixed.tfm"))
    assert storage.ReadData(node)
    toParent = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToParent(toParent)
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(toParent), motion(), atol=1e-9)
