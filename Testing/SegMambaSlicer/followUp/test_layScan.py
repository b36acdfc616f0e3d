"""Scans move in the world and can be put back; no voxel and no node of the user's changes."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from patients import AFFINE, add_patient, add_scan, ball, motion
from scenes import add_transform, shift_and_turn, world_points_of_mask, world_points_of_segment
from SegMambaLib.followUp.layScan import isLaid, layScan, putBack
from SegMambaLib.followUp.scan import Scan
from SegMambaLib.inputs.exportVolumes import worldAffine


def lies_at(scan: Scan, affine: np.ndarray, radius: float) -> bool:
    points = world_points_of_segment(scan.segmentation, "ET")
    expected = world_points_of_mask(ball(radius), affine)
    volumes = all(np.allclose(worldAffine(volume), affine, atol=1e-6) for volume in scan.volumes())
    return volumes and points.shape == expected.shape and bool(np.allclose(points, expected, atol=1e-2))


@pytest.mark.parametrize("with_parent", [False, True])
def test_laid_and_put_back(with_parent: bool) -> None:
    parent = add_transform(shift_and_turn()) if with_parent else None
    patient = add_patient()
    scan = add_scan(patient, "Second", 5, moved=motion(), under=parent)
    other = add_scan(patient, "First", 5, under=parent)
    before = (shift_and_turn() if with_parent else np.eye(4)) @ motion() @ AFFINE
    voxels = slicer.util.arrayFromVolume(scan.reference).copy()
    assert lies_at(scan, before, 5)
    transforms = set(slicer.util.getNodesByClass("vtkMRMLLinearTransformNode"))

    back = np.linalg.inv(motion())
    layScan(scan, back, "First")
    assert isLaid(scan) and not isLaid(other)
    assert lies_at(scan, back @ before, 5)
    # What shares the parent transform stays, and so does the transform itself.
    assert lies_at(other, (shift_and_turn() if with_parent else np.eye(4)) @ AFFINE, 5)
    assert scan.reference.GetParentTransformNode().GetName() == "Second registered to First"

    layScan(scan, motion(3), "First")  # again, from where it lies
    assert lies_at(scan, motion(3) @ back @ before, 5)

    putBack(scan)
    assert not isLaid(scan)
    assert lies_at(scan, before, 5)
    assert scan.reference.GetParentTransformNode() is parent
    assert scan.segmentation.GetParentTransformNode() is parent
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(scan.reference), voxels)
    assert set(slicer.util.getNodesByClass("vtkMRMLLinearTransformNode")) == transforms


def test_a_warp_is_refused_before_anything_moves() -> None:
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Warp")
    grid = slicer.vtkOrientedGridTransform()
    warp.SetAndObserveTransformFromParent(grid)
    scan = add_scan(add_patient(), "Second", 4)
    scan.volumes()[1].SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(ValueError, match="Warp is not linear"):
        layScan(scan, motion(), "First")
    assert scan.reference.GetParentTransformNode() is None
    assert not isLaid(scan)
