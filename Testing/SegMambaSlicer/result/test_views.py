"""Where the views go, and which views there are."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from scenes import ROLES, SHAPE, add_case, add_transform, add_volume, oblique_affine, shift_and_turn
from SegMambaLib.result.contrastLayout import LAYOUT, ContrastLayout
from SegMambaLib.result.largestCrossSection import jumpToLargestCrossSection, largestCrossSectionCenter
from SegMambaLib.result.segmentEditor import prepareSegmentEditor

SPHERES = ((3, 3, 5, 2.2), (7, 8, 11, 3.1))
"""k, j, i and radius: the second is the larger."""


def mask() -> np.ndarray:
    k, j, i = np.indices(SHAPE)
    inside = np.zeros(SHAPE, bool)
    for ck, cj, ci, radius in SPHERES:
        inside |= (k - ck) ** 2 + (j - cj) ** 2 + (i - ci) ** 2 <= radius**2
    return inside


@pytest.fixture
def segmentation() -> slicer.vtkMRMLSegmentationNode:
    transform = add_transform(shift_and_turn())
    volume = add_volume("T1Gd", np.zeros(SHAPE, np.int16), transform=transform)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    node.SetAndObserveTransformNodeID(transform.GetID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    node.CreateDefaultDisplayNodes()
    for region in ("WT", "TC", "ET"):
        node.GetSegmentation().AddEmptySegment(region, region)
        content = mask().astype(np.uint8) if region == "WT" else np.zeros(SHAPE, np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(content, node, region, volume)
    return node


def test_views_jump_to_the_larger_sphere_in_the_world(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    assert jumpToLargestCrossSection(segmentation)
    k, j, i, _radius = SPHERES[1]
    center = (shift_and_turn() @ oblique_affine() @ [i, j, k, 1])[:3]
    for name in ("Red", "Green", "Yellow"):
        toRas = slicer.util.arrayFromVTKMatrix(slicer.util.getNode(f"vtkMRMLSliceNode{name}").GetSliceToRAS())
        np.testing.assert_allclose(toRas[:3, 3], center, atol=1e-3)


def test_nothing_found_moves_nothing(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    before = slicer.util.arrayFromVTKMatrix(slicer.util.getNode("vtkMRMLSliceNodeRed").GetSliceToRAS())
    assert not jumpToLargestCrossSection(segmentation, "ET")
    after = slicer.util.arrayFromVTKMatrix(slicer.util.getNode("vtkMRMLSliceNodeRed").GetSliceToRAS())
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("axis", "normal"), list(enumerate(np.eye(3))))
def test_each_view_has_a_largest_plane_of_its_own(axis: int, normal: np.ndarray) -> None:
    """A bar along one axis with a plate across it: the plate's plane is the largest only as seen along the bar."""
    inside = np.zeros((20, 22, 24), bool)
    inside[10, 11, 4:20] = True
    inside[6:15, 7:16, 5] = True
    center = largestCrossSectionCenter(inside, np.eye(4), normal)
    expected = {0: (5, 11, 10), 1: (None, 11, 10), 2: (None, 11, 10)}[axis]
    for found, wanted in zip(center, expected, strict=True):
        assert wanted is None or found == pytest.approx(wanted)


def test_four_contrasts_are_linked_and_outlined(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    volumes = add_case()
    layout, manager = ContrastLayout(), slicer.app.layoutManager()
    former = manager.layout
    layout.show(volumes, segmentation)
    assert layout.isShown and manager.layout == LAYOUT
    for role in ROLES:
        widget = manager.sliceWidget(f"SegMamba-{role}")
        composite = widget.mrmlSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == volumes[role].GetID()
        assert composite.GetLinkedControl() and composite.GetHotLinkedControl()
        assert widget.mrmlSliceNode().GetOrientation() == "Axial"
    display = segmentation.GetDisplayNode()
    assert not display.GetVisibility2DFill() and display.GetVisibility2DOutline()
    layout.restore()
    assert manager.layout == former
    assert display.GetVisibility2DFill()


def test_leaving_by_slicers_menu_fills_the_segments_too(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    layout = ContrastLayout()
    layout.show(add_case(), segmentation)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    assert not layout.isShown
    assert segmentation.GetDisplayNode().GetVisibility2DFill()
    layout.restore()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView


def test_a_missing_contrast_has_an_empty_view() -> None:
    volumes = add_case()
    del volumes["t2w"]
    ContrastLayout().show(volumes, None)
    composite = slicer.app.layoutManager().sliceWidget("SegMamba-t2w").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() is None


def test_segment_editor_finds_everything_selected(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    prepareSegmentEditor(segmentation)
    editor = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert editor.GetSegmentationNode() is segmentation
    assert editor.GetSourceVolumeNode() is slicer.util.getNode("T1Gd")
    assert editor.GetOverwriteMode() == slicer.vtkMRMLSegmentEditorNode.OverwriteNone
    assert editor.GetSelectedSegmentID() == "ET"
