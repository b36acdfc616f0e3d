"""What becomes of regions that edits have put out of each other."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from numpy.typing import NDArray
from scenes import SHAPE, add_transform, add_volume, masks_on, shift_and_turn
from SegMambaLib.result.nestedSegments import NestedSegments
from SegMambaLib.result.nesting import nest, regionsOutside
from SegMambaLib.result.runHistory import RunHistory


def row(**regions: str) -> dict[str, NDArray[np.bool_]]:
    """Regions of one dimension: "x" inside."""
    return {name: np.array([letter == "x" for letter in text]) for name, text in regions.items()}


BEFORE = row(WT="xxxxxxxx..", TC=".xxxxx....", ET="..xxx.....")


def texts(masks: dict[str, NDArray[np.bool_]]) -> dict[str, str]:
    return {name: "".join("x" if inside else "." for inside in mask) for name, mask in masks.items()}


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        # Enhancing tumor painted outside of everything: the others grow around it.
        (
            {"WT": "xxxxxxxx..", "TC": ".xxxxx....", "ET": "..xxx...x."},
            {"WT": "xxxxxxxxx.", "TC": ".xxxxx..x.", "ET": "..xxx...x."},
        ),
        # A false part erased from WT alone: what lay inside goes with it.
        (
            {"WT": "....xxxx..", "TC": ".xxxxx....", "ET": "..xxx....."},
            {"WT": "....xxxx..", "TC": "....xx....", "ET": "....x....."},
        ),
        # Core declared to be oedema: enhancing tumor goes there, WT stays.
        (
            {"WT": "xxxxxxxx..", "TC": "....xx....", "ET": "..xxx....."},
            {"WT": "xxxxxxxx..", "TC": "....xx....", "ET": "....x....."},
        ),
        # Both in one: erased on the left, painted on the right.
        (
            {"WT": ".....xxx..", "TC": ".xxxxx...x", "ET": "..xxx....."},
            {"WT": ".....xxx.x", "TC": ".....x...x", "ET": ".........."},
        ),
        # Erased from WT, then painted anew as enhancing where it had not been: the last word counts.
        (
            {"WT": "x.xxxxxx..", "TC": ".xxxxx....", "ET": ".xxxx....."},
            {"WT": "xxxxxxxx..", "TC": ".xxxxx....", "ET": ".xxxx....."},
        ),
        ({"WT": "xxxxxxxx..", "TC": ".xxxxx....", "ET": "..xxx....."}, None),
    ],
)
def test_edits_are_followed(edited: dict[str, str], expected: dict[str, str] | None) -> None:
    nested = nest(row(**edited), BEFORE)
    assert texts(nested) == (expected or edited)
    assert regionsOutside(nested) == []


def test_without_knowledge_of_before_nothing_painted_is_lost() -> None:
    nested = nest(row(WT="....xx", TC=".xxxx.", ET="xx...."), None)
    assert texts(nested) == {"WT": "xxxxxx", "TC": "xxxxx.", "ET": "xx...."}


def test_what_lies_outside_is_named() -> None:
    masks = row(WT="xxx...", TC=".xxx..", ET="..xxx.")
    assert regionsOutside(masks) == [("WT", "TC"), ("TC", "ET")]


@pytest.fixture
def segmentation() -> slicer.vtkMRMLSegmentationNode:
    """Three nested boxes on a volume under a transform."""
    transform = add_transform(shift_and_turn())
    volume = add_volume("T1Gd", np.zeros(SHAPE, np.int16), transform=transform)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
    node.SetAndObserveTransformNodeID(transform.GetID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for margin, region in enumerate(("WT", "TC", "ET"), start=1):
        mask = np.zeros(SHAPE, np.uint8)
        mask[margin:-margin, margin:-margin, margin:-margin] = 1
        node.GetSegmentation().AddEmptySegment(region, region)
        paint(node, region, mask)
    return node


def volume_of(segmentation: slicer.vtkMRMLSegmentationNode) -> slicer.vtkMRMLScalarVolumeNode:
    return slicer.util.getNode("T1Gd")


def paint(segmentation: slicer.vtkMRMLSegmentationNode, region: str, mask: NDArray) -> None:
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, region, volume_of(segmentation))


def test_a_segmentation_nests_again_and_can_have_it_undone(
    segmentation: slicer.vtkMRMLSegmentationNode,
) -> None:
    history = RunHistory()
    nested = NestedSegments(history)
    nested.remember(segmentation)
    whole = masks_on(segmentation, volume_of(segmentation))["WT"].copy()
    whole[:, :, :6] = 0
    paint(segmentation, "WT", whole)
    edited = masks_on(segmentation, volume_of(segmentation))

    changes = nested.makeNested(segmentation)
    after = masks_on(segmentation, volume_of(segmentation))
    assert changes["WT"] == 0 and changes["TC"] < 0 and changes["ET"] < 0
    np.testing.assert_array_equal(after["WT"], whole)
    np.testing.assert_array_equal(after["TC"], edited["TC"] & whole)
    np.testing.assert_array_equal(after["ET"], edited["ET"] & whole)
    assert segmentation.GetClosedSurfaceInternalRepresentation("ET").GetNumberOfPoints() > 0

    assert history.nextTitle() == "Undo nesting"
    history.undo()
    for region, mask in masks_on(segmentation, volume_of(segmentation)).items():
        np.testing.assert_array_equal(mask, edited[region])


def test_regions_that_nest_are_left_alone(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    history = RunHistory()
    assert NestedSegments(history).makeNested(segmentation) == {"WT": 0, "TC": 0, "ET": 0}
    assert not history.canUndo()


def test_a_segmentation_that_was_never_seen_grows(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    paint(segmentation, "WT", np.zeros(SHAPE, np.uint8))
    NestedSegments(RunHistory()).makeNested(segmentation)
    masks = masks_on(segmentation, volume_of(segmentation))
    np.testing.assert_array_equal(masks["WT"], masks["TC"])


def test_other_segmentations_are_refused_in_words(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    nested = NestedSegments(RunHistory())
    slicer.mrmlScene.RemoveNode(volume_of(segmentation))
    with pytest.raises(ValueError, match="volume that Tumor belongs to"):
        nested.makeNested(segmentation)
    segmentation.GetSegmentation().RemoveSegment("TC")
    with pytest.raises(ValueError, match="Tumor does not hold WT, TC and ET"):
        nested.makeNested(segmentation)
