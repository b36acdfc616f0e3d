"""What the panel says before anything runs."""

from __future__ import annotations

import numpy as np
import slicer
from scenes import add_case, add_transform, shift_and_turn
from SegMambaLib.inputs import roles
from SegMambaLib.inputs.inputCheck import problemWithInputs


def test_four_volumes_and_no_segmentation_do() -> None:
    assert problemWithInputs(add_case(), None) is None


def test_two_volumes_do_and_one_does_not() -> None:
    volumes = {**add_case(), "t1c": None, "t2f": None}
    assert problemWithInputs(volumes, None) is None
    volumes["t2w"] = None
    assert problemWithInputs(volumes, None) == (
        "Select a volume for T1Gd, T2, T2-FLAIR: two contrasts at least, better all four."
    )


def test_without_t1gd_another_contrast_is_the_one_that_segments_lie_on() -> None:
    volumes = {**add_case(add_transform(shift_and_turn())), "t1c": None}
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    segmentation.GetSegmentation().AddEmptySegment("Cavity", "Cavity")
    assert "the parent transform of T1." in problemWithInputs(volumes, segmentation)
    segmentation.SetAndObserveTransformNodeID(volumes["t1n"].GetTransformNodeID())
    assert problemWithInputs(volumes, segmentation) is None


def test_the_command_chooses_the_same_contrast() -> None:
    from SegMambaCore.case import read_case

    assert tuple(roles._REFERENCES) == tuple(read_case._REFERENCES)


def test_the_same_volume_for_all_is_named_once() -> None:
    volumes = dict.fromkeys(("t1n", "t1c", "t2w", "t2f"), add_case()["t1n"])
    assert problemWithInputs(volumes, None).startswith("T1 and T1Gd and T2 and T2-FLAIR are the same volume.")


def test_a_volume_that_cannot_be_exported_is_named() -> None:
    volumes = add_case()
    volumes["t2w"].SetAndObserveImageData(None)
    assert problemWithInputs(volumes, None) == "The volume Patient t2w has no voxels."


def test_other_segments_are_not_moved() -> None:
    volumes = add_case(add_transform(shift_and_turn()))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    assert problemWithInputs(volumes, segmentation) is None
    segmentation.GetSegmentation().AddEmptySegment("WT", "WT")
    assert problemWithInputs(volumes, segmentation) is None
    segmentation.GetSegmentation().AddEmptySegment("Cavity", "Cavity")
    assert "Mine holds other segments" in problemWithInputs(volumes, segmentation)
    segmentation.SetAndObserveTransformNodeID(volumes["t1c"].GetTransformNodeID())
    assert problemWithInputs(volumes, segmentation) is None


def test_a_segmentation_of_another_volume_is_not_written_over() -> None:
    mine, others = add_case(), add_case()
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Others")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(others["t1c"])
    assert problemWithInputs(mine, segmentation) is None
    segmentation.GetSegmentation().AddEmptySegment("WT", "WT")
    assert problemWithInputs(others, segmentation) is None
    assert "Others holds the regions of Patient t1c" in problemWithInputs(mine, segmentation)
    slicer.mrmlScene.RemoveNode(others["t1c"])
    assert problemWithInputs(mine, segmentation) is None


def test_another_grid_for_each_volume_is_no_problem() -> None:
    volumes = add_case()
    slicer.util.updateVolumeFromArray(volumes["t2w"], np.ones((5, 6, 7), np.float32))
    assert problemWithInputs(volumes, None) is None
