"""Segments in the scene and in saved files, voxel by voxel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nrrd
import numpy as np
import pytest
import slicer
import vtk
from numpy.typing import NDArray
from scenes import (
    SHAPE,
    add_transform,
    add_volume,
    masks_on,
    oblique_affine,
    shift_and_turn,
    world_points_of_mask,
    world_points_of_segment,
)
from SegMambaLib.inputs.exportVolumes import worldAffine
from SegMambaLib.result.importSegments import importSegments

from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.write import write_seg_nrrd
from SegMambaCore.volume.volume import Grid


@pytest.fixture
def reference() -> slicer.vtkMRMLScalarVolumeNode:
    """A volume under a parent transform."""
    return add_volume("T1Gd", np.zeros(SHAPE, np.int16), transform=add_transform(shift_and_turn()))


@pytest.fixture
def masks() -> dict[str, NDArray[np.bool_]]:
    """Nested regions that reach the volume's border, the innermost a scatter of voxels."""
    whole, core = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    whole[2:, 1:12, 3:] = True
    core[4:9, 3:9, 5:14] = True
    return {"WT": whole, "TC": core, "ET": core & (np.random.default_rng(1).random(SHAPE) > 0.6)}


@pytest.fixture
def segmentation(
    reference: slicer.vtkMRMLScalarVolumeNode, masks: dict[str, NDArray], tmp_path: Path
) -> Iterator[slicer.vtkMRMLSegmentationNode]:
    """The masks, written by SegMambaCore in the world and imported onto the reference."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    importSegments(write(masks, reference, tmp_path), node, reference, worldAffine(reference))
    yield node


def write(masks: dict[str, NDArray], reference: slicer.vtkMRMLScalarVolumeNode, folder: Path) -> Path:
    path = folder / "segments.seg.nrrd"
    write_seg_nrrd(Segmentation(masks, Grid(SHAPE, worldAffine(reference))), path)
    return path


def test_segments_are_voxel_exact_and_in_place(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode, masks: dict
) -> None:
    world = shift_and_turn() @ oblique_affine()
    for region, mask in masks.items():
        np.testing.assert_array_equal(masks_on(segmentation, reference)[region], mask)
        np.testing.assert_allclose(
            world_points_of_segment(segmentation, region), world_points_of_mask(mask, world), atol=1e-3
        )


def test_segments_overlap_in_layers_of_their_own(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    segments = segmentation.GetSegmentation()
    assert segments.GetNumberOfSegments() == 3
    assert segments.GetNumberOfLayers() == 3


def test_names_colors_and_terminology_are_the_files(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    segments = segmentation.GetSegmentation()
    for region, color, code in (
        ("WT", (0.0, 0.72, 0.82), "SCT^301766008^"),
        ("TC", (1.0, 0.82, 0.1), "SCT^108369006^"),
        ("ET", (0.95, 0.2, 0.2), "NCIt^C113842^"),
    ):
        segment = segments.GetSegment(region)
        assert segment.GetName() == region
        assert segment.GetColor() == pytest.approx(color)
        assert code in segment.GetTerminology()
        assert "SCT^12738006^Brain" in segment.GetTerminology()
        status = vtk.mutable("")
        assert segment.GetTag("Segmentation.Status", status)
        assert status == "inprogress"


@pytest.mark.parametrize("under_transform", [True, False])
def test_a_saved_segmentation_comes_back_voxel_by_voxel(
    under_transform: bool, masks: dict[str, NDArray], tmp_path: Path
) -> None:
    transform = add_transform(shift_and_turn()) if under_transform else None
    reference = add_volume("T1Gd", np.zeros(SHAPE, np.int16), transform=transform)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    importSegments(write(masks, reference, tmp_path), node, reference, worldAffine(reference))

    path = tmp_path / "saved.seg.nrrd"
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.WriteData(node)
    loaded = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Loaded")
    assert storage.ReadData(loaded)

    # The file holds local coordinates: without the transform ...
    for region, mask in masks.items():
        np.testing.assert_allclose(
            world_points_of_segment(loaded, region), world_points_of_mask(mask, oblique_affine()), atol=1e-3
        )
    # ... and with it.
    loaded.SetAndObserveTransformNodeID(transform.GetID() if transform else None)
    for region, mask in masks.items():
        np.testing.assert_array_equal(masks_on(loaded, reference)[region], mask)

    # The same without Slicer. The file's grid may be larger than the volume: align by its origin.
    voxels, header = nrrd.read(str(path))  # (layer, i, j, k), LPS
    step = header["space directions"][1:].T
    first = np.linalg.solve(step, header["space origin"] - (np.diag([-1, -1, 1]) @ oblique_affine()[:3, 3]))
    np.testing.assert_allclose(first, np.round(first), atol=1e-4)
    for number in range(3):
        layer = voxels[int(header[f"Segment{number}_Layer"])] == int(header[f"Segment{number}_LabelValue"])
        found = np.argwhere(layer) + np.round(first)
        expected = np.argwhere(masks[header[f"Segment{number}_ID"]].T)
        np.testing.assert_array_equal(found, expected)


def test_the_segmentation_belongs_to_the_reference(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode
) -> None:
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    assert segmentation.GetNodeReference(role) is reference
    assert segmentation.GetParentTransformNode() is reference.GetParentTransformNode()
    assert segmentation.GetDisplayNode() is not None


def test_it_lies_in_the_study_of_the_reference(
    reference: slicer.vtkMRMLScalarVolumeNode, masks: dict, tmp_path: Path
) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient")
    study = hierarchy.CreateStudyItem(patient, "Study")
    hierarchy.CreateItem(study, reference)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    importSegments(write(masks, reference, tmp_path), node, reference, worldAffine(reference))
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_painting_in_one_segment_leaves_the_others(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode, masks: dict
) -> None:
    node = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert node.GetOverwriteMode() == slicer.vtkMRMLSegmentEditorNode.OverwriteNone

    # What the Segment Editor does for a stroke of the brush, in its own logic.
    editor = slicer.vtkSlicerSegmentEditorLogic()
    editor.SetMRMLScene(slicer.mrmlScene)
    editor.SetSegmentEditorNode(node)
    node.SetAndObserveSegmentationNode(segmentation)
    node.SetAndObserveSourceVolumeNode(reference)
    node.SetSelectedSegmentID("ET")
    editor.UpdateReferenceGeometryImage()
    stroke = slicer.vtkOrientedImageData()
    stroke.DeepCopy(editor.GetReferenceGeometryImage())
    stroke.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    stroke.GetPointData().GetScalars().Fill(1)
    editor.ModifySegmentByLabelmap(
        segmentation, "ET", stroke, slicer.vtkSlicerSegmentEditorLogic.ModificationModeAdd, False, False
    )
    found = masks_on(segmentation, reference)
    assert found["ET"].all()
    np.testing.assert_array_equal(found["WT"], masks["WT"])
    np.testing.assert_array_equal(found["TC"], masks["TC"])


def test_the_editor_node_that_exists_is_used(
    reference: slicer.vtkMRMLScalarVolumeNode, masks: dict, tmp_path: Path
) -> None:
    editor = slicer.vtkMRMLSegmentEditorNode()
    editor.SetSingletonTag("SegmentEditor")
    editor = slicer.mrmlScene.AddNode(editor)
    assert editor.GetOverwriteMode() == slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    importSegments(write(masks, reference, tmp_path), node, reference, worldAffine(reference))
    assert editor.GetOverwriteMode() == slicer.vtkMRMLSegmentEditorNode.OverwriteNone
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 1


def test_no_passing_node_stays_in_the_scene(
    segmentation: slicer.vtkMRMLSegmentationNode, scene: slicer.vtkMRMLScene
) -> None:
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 1
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationStorageNode") == 0


def test_a_result_on_another_grid_is_refused(
    reference: slicer.vtkMRMLScalarVolumeNode, masks: dict, tmp_path: Path
) -> None:
    path = write(masks, reference, tmp_path)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    turned = worldAffine(reference) @ np.diag([1, 1, 1.01, 1])
    with pytest.raises(RuntimeError, match="does not lie on the voxels"):
        importSegments(path, node, reference, turned)
    assert node.GetSegmentation().GetNumberOfSegments() == 0
    assert node.GetParentTransformNode() is None


@pytest.mark.parametrize("damage", ["absent", "empty", "header cut off", "voxels cut off"])
def test_a_damaged_result_is_refused_and_does_not_end_slicer(
    damage: str, reference: slicer.vtkMRMLScalarVolumeNode, masks: dict, tmp_path: Path
) -> None:
    path = write(masks, reference, tmp_path)
    content = path.read_bytes()
    path.unlink()
    if damage != "absent":
        path.write_bytes(
            {"empty": b"", "header cut off": content[:40], "voxels cut off": content[:-200]}[damage]
        )
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    with pytest.raises(RuntimeError, match="could not be read"):
        importSegments(path, node, reference, worldAffine(reference))
