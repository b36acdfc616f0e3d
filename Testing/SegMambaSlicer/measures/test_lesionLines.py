"""Lines that the user drags, on real markups nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
from scenes import add_transform, shift_and_turn
from SegMambaLib.measures.linePair import LINE_CLASS, lineEnds
from SegMambaLib.measures.showLesion import showLesion
from SegMambaLib.measures.tumorMeasures import TumorMeasures

from Testing.SegMambaSlicer.measures.tumor_scene import LARGE, SMALL, TumorScene


def measured(scene: TumorScene, calls: list[str] | None = None) -> TumorMeasures:
    measures = TumorMeasures((lambda: calls.append("dragged")) if calls is not None else lambda: None)
    measures.update(scene.segmentation, scene.volumes)
    return measures


def drag(node: slicer.vtkMRMLMarkupsLineNode, index: int, to: np.ndarray) -> None:
    node.SetNthControlPointPositionWorld(index, *to)


def lines() -> list[slicer.vtkMRMLMarkupsLineNode]:
    return slicer.util.getNodesByClass(LINE_CLASS)


def stretched(node: slicer.vtkMRMLMarkupsLineNode, factor: float) -> np.ndarray:
    start, end = lineEnds(node)
    return start + factor * (end - start)


@pytest.mark.parametrize("transform", [None, shift_and_turn()], ids=["world", "under a transform"])
def test_the_row_follows_a_dragged_line(transform: np.ndarray | None) -> None:
    calls: list[str] = []
    scene = TumorScene((0, 0, 0), transform)
    row = measured(scene, calls).lesions[0]
    longest, perpendicular = row.diametersMm
    assert row.pair.degreesBetween() == pytest.approx(90)
    assert calls == [] and not row.isEdited
    drag(row.pair.longest, 1, stretched(row.pair.longest, 1.5))
    assert calls == ["dragged"]
    assert row.diametersMm == pytest.approx((1.5 * longest, perpendicular))
    assert row.productMm2 == pytest.approx(1.5 * longest * perpendicular)
    assert row.isEdited and row.isMeasurable
    drag(row.pair.perpendicular, 1, stretched(row.pair.perpendicular, 0.2))
    assert not row.isMeasurable


def test_dragged_lines_and_targets_stay_through_edits_of_the_segment() -> None:
    scene = TumorScene()
    measures = measured(scene)
    measures.setTarget(1, True)
    measures.setTarget(2, True)
    assert measures.sumOfProductsMm2 == pytest.approx(sum(row.productMm2 for row in measures.lesions))
    pair = measures.lesions[0].pair
    drag(pair.longest, 1, stretched(pair.longest, 1.2))
    product = measures.lesions[0].productMm2
    # The second lesion grows beyond the first: the rows change places, and ticks and lines go with them.
    at_small = np.linalg.norm(_positions(scene) - SMALL, axis=-1) < 18
    scene.write("ET", scene.masks["ET"] | at_small)
    measures.update(scene.segmentation, scene.volumes)
    assert [row.isTarget for row in measures.lesions] == [True, True]
    assert [row.isEdited for row in measures.lesions] == [False, True]
    assert measures.lesions[1].pair.longest is pair.longest
    assert measures.lesions[1].productMm2 == pytest.approx(product)
    assert pair.longest.GetName() == "Lesion 2 longest"
    assert measures.lesions[0].diametersMm == pytest.approx((36, 36), abs=2.6)
    measures.setTarget(1, False)
    assert measures.sumOfProductsMm2 == pytest.approx(product)
    measures.forgetEdits()
    assert not measures.lesions[1].isEdited
    assert measures.lesions[1].productMm2 < product
    assert measures.lesions[1].isTarget


def test_a_script_that_measures_again_does_not_count_as_dragging() -> None:
    scene = TumorScene()
    panel, script = measured(scene), TumorMeasures()
    scene.write("ET", scene.masks["ET"] | (np.linalg.norm(_positions(scene) - LARGE, axis=-1) < 20))
    script.update(scene.segmentation, scene.volumes)
    assert script.lesions[0].diametersMm == pytest.approx((40, 40), abs=2.6)
    assert not script.lesions[0].isEdited and not panel.lesions[0].isEdited
    node = script.lesions[0].pair.longest
    start, end = lineEnds(node)
    drag(node, 1, start + 2 * (end - start))
    assert script.lesions[0].isEdited
    drag(node, 1, end)  # and back
    assert not script.lesions[0].isEdited


def test_lines_go_with_their_lesion() -> None:
    scene = TumorScene()
    measures = measured(scene)
    measures.setTarget(2, True)
    assert len(lines()) == 4
    scene.write("ET", scene.large)
    measures.update(scene.segmentation, scene.volumes)
    assert len(lines()) == 2 and measures.lesions[0].pair.centre() == pytest.approx(LARGE, abs=3)
    slicer.mrmlScene.RemoveNode(scene.segmentation)
    other = TumorScene()
    measures.update(other.segmentation, other.volumes)
    assert all(node.GetNodeReference("SegMamba.Segmentation") is other.segmentation for node in lines())


def test_a_line_that_the_user_deleted_comes_back() -> None:
    scene = TumorScene()
    measures = measured(scene)
    expected = measures.lesions[0].diametersMm
    slicer.mrmlScene.RemoveNode(measures.lesions[0].pair.perpendicular)
    measures.update(scene.segmentation, scene.volumes)
    assert measures.lesions[0].diametersMm == pytest.approx(expected)
    assert len(lines()) == 2 * sum(row.isMeasurable for row in measures.lesions)


def test_what_a_scene_keeps_is_enough_to_go_on() -> None:
    scene = TumorScene((9, 0, -4), shift_and_turn())
    first = measured(scene)
    first.setTarget(1, True)
    drag(first.lesions[0].pair.longest, 1, stretched(first.lesions[0].pair.longest, 1.2))
    expected = first.sumOfProductsMm2
    first.stop()
    calls: list[str] = []
    again = measured(scene, calls)
    assert again.sumOfProductsMm2 == pytest.approx(expected)
    assert again.lesions[0].isEdited and len(lines()) == 2 * sum(
        row.pair is not None for row in again.lesions
    )
    drag(again.lesions[0].pair.longest, 0, LARGE)
    assert calls == ["dragged"]


def test_a_saved_scene_brings_targets_and_dragged_lines_back(tmp_path: Path) -> None:
    markups = slicer.vtkSlicerMarkupsLogic()  # knows how lines are stored
    markups.SetMRMLScene(slicer.mrmlScene)
    scene = TumorScene((9, 0, -4), shift_and_turn())
    measures = measured(scene)
    measures.setTarget(1, True)
    drag(measures.lesions[0].pair.longest, 1, stretched(measures.lesions[0].pair.longest, 1.2))
    expected = measures.sumOfProductsMm2
    measures.stop()
    names = {role: node.GetName() for role, node in scene.volumes.items()}
    slicer.mrmlScene.SetRootDirectory(str(tmp_path))
    for number, node in enumerate(slicer.util.getNodesByClass("vtkMRMLStorableNode")):
        node.AddDefaultStorageNode()
        if node.GetStorageNode():
            suffix = node.GetStorageNode().GetDefaultWriteFileExtension()
            node.GetStorageNode().SetFileName(str(tmp_path / f"{number}.{suffix}"))
            assert node.GetStorageNode().WriteData(node)
    slicer.mrmlScene.SetURL(str(tmp_path / "scene.mrml"))
    assert slicer.mrmlScene.Commit()
    slicer.mrmlScene.Clear()
    assert slicer.mrmlScene.Connect()

    segmentation = next(
        node
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if node.GetName() == "DOE JOHN tumor"
    )
    again = TumorMeasures()
    again.update(segmentation, {role: slicer.util.getNode(name) for role, name in names.items()})
    assert again.sumOfProductsMm2 == pytest.approx(expected, rel=1e-4)
    assert [row.isTarget for row in again.lesions] == [True, False]
    assert again.lesions[0].isEdited


def test_lines_move_with_the_patient() -> None:
    scene = TumorScene((0, 0, 0), np.eye(4))
    measures = measured(scene)
    before = measures.lesions[0].diametersMm
    start, _ = lineEnds(measures.lesions[0].pair.longest)
    scene.transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift_and_turn()))
    assert lineEnds(measures.lesions[0].pair.longest)[0] == pytest.approx(
        (shift_and_turn() @ [*start, 1])[:3]
    )
    assert measures.lesions[0].diametersMm == pytest.approx(before)
    assert not measures.lesions[0].isEdited
    scene.segmentation.SetAndObserveTransformNodeID(add_transform(np.eye(4)).GetID())
    measures.update(scene.segmentation, scene.volumes)
    assert lineEnds(measures.lesions[0].pair.longest)[0] == pytest.approx(start, abs=1e-6)


@pytest.mark.parametrize("degrees", [(0, 0, 0), (14, -19, 26)])
def test_slice_views_go_to_the_lines_of_a_lesion(degrees: tuple[float, float, float]) -> None:
    scene = TumorScene(degrees)
    measures = measured(scene)
    views = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    assert {view.GetOrientation() for view in views} >= {"Axial", "Sagittal", "Coronal"}
    for row, centre in zip(measures.lesions, (LARGE, SMALL), strict=True):
        showLesion(row)
        for view in views:
            inverse = np.linalg.inv(slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()))
            assert abs((inverse @ [*centre, 1])[2]) < 4
            if view.GetName() == "Red" and row.pair:
                ends = np.array([lineEnds(node) for node in row.pair.nodes]).reshape(-1, 3)
                np.testing.assert_allclose(ends @ inverse[2, :3] + inverse[2, 3], 0, atol=1e-6)


def test_a_tilted_axial_view_lies_in_the_plane_of_dragged_lines() -> None:
    scene = TumorScene()
    measures = measured(scene)
    row = measures.lesions[0]
    end = lineEnds(row.pair.longest)[1]
    drag(row.pair.longest, 1, end + np.array([0, 0, 6]))
    showLesion(row)
    red = next(v for v in slicer.util.getNodesByClass("vtkMRMLSliceNode") if v.GetName() == "Red")
    matrix = slicer.util.arrayFromVTKMatrix(red.GetSliceToRAS())
    assert matrix[0, 0] < -0.9 and matrix[1, 1] > 0.9  # left on the right, anterior on top
    inverse = np.linalg.inv(matrix)
    for point in lineEnds(row.pair.longest):
        assert abs((inverse @ [*point, 1])[2]) < 1e-6


def _positions(scene: TumorScene) -> np.ndarray:
    k, j, i = np.indices(scene.large.shape)
    return np.stack([i, j, k], axis=-1) @ scene.affine[:3, :3].T + scene.affine[:3, 3]


@pytest.mark.parametrize("what", ["an end", "a line"])
def test_a_line_that_the_user_deletes_measures_nothing(what: str) -> None:
    calls: list[str] = []
    scene = TumorScene()
    measures = measured(scene, calls)
    measures.setTarget(1, True)
    row = measures.lesions[0]
    computed = row.diametersMm
    drag(row.pair.longest, 1, stretched(row.pair.longest, 1.5))
    calls.clear()
    if what == "an end":
        row.pair.longest.RemoveNthControlPoint(1)
    else:
        slicer.mrmlScene.RemoveNode(row.pair.perpendicular)
    assert bool(calls) == (what == "an end")
    assert row.pair is None and row.hasLostLines
    assert row.diametersMm == pytest.approx(computed, abs=1e-3)
    assert not row.isEdited and not row.isTarget
    assert measures.sumOfProductsMm2 is None
    measures.setLinesVisible(False)
    showLesion(row)
    measures.setTarget(1, True)
    assert measures.sumOfProductsMm2 == pytest.approx(measures.lesions[0].productMm2)


def test_deleted_lines_come_back_with_a_reset() -> None:
    measures = measured(TumorScene())
    measures.lesions[0].pair.longest.RemoveNthControlPoint(0)
    slicer.mrmlScene.RemoveNode(measures.lesions[1].pair.longest)
    measures.forgetEdits()
    assert [row.pair is not None for row in measures.lesions] == [True, True]
    assert not any(row.isEdited or row.hasLostLines for row in measures.lesions)
    assert len(lines()) == 4
