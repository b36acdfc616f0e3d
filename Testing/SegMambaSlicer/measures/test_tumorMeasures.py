"""Figures of segments in a scene, against what the scene was drawn with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from scenes import shift_and_turn
from SegMambaLib.measures.segmentState import SegmentState, segmentState, setReviewed
from SegMambaLib.measures.segmentStatistics import CoreStatistics, segmentStatistics
from SegMambaLib.measures.tumorMeasures import TumorMeasures
from standins import segment_statistics

from Testing.SegMambaSlicer.measures.tumor_scene import (
    LARGE,
    LARGE_RADII,
    SMALL,
    SMALL_RADII,
    SPACING,
    VALUES,
    TumorScene,
)

GEOMETRIES = {
    "upright": ((0, 0, 0), None),
    "transformed": ((0, 0, 0), shift_and_turn()),
    "oblique and transformed": ((14, -19, 26), shift_and_turn()),
}


@pytest.mark.parametrize("slicers", [False, True], ids=["core", "Slicer's statistics"])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_figures_are_those_of_the_world(name: str, slicers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if slicers:
        segment_statistics.install(monkeypatch)
    scene = TumorScene(*GEOMETRIES[name])
    measures = TumorMeasures()
    measures.update(scene.segmentation, scene.volumes)
    assert [row.region for row in measures.regions] == ["WT", "TC", "ET"]
    voxel = float(np.prod(SPACING)) / 1000
    for row in measures.regions:
        assert row.volumeMl == pytest.approx(np.count_nonzero(scene.masks[row.region]) * voxel)
        assert (row.lesions, row.specks, row.side) == (2, 0, "both sides")
        right = (
            scene.affine[0, :3] @ (np.argwhere(scene.masks[row.region])[:, ::-1].T)
        ).mean() + scene.affine[0, 3]
        for role, mean in row.means.items():
            assert mean == pytest.approx(VALUES[role] + right / 10, abs=0.01)
    large, small = measures.lesions
    assert large.diametersMm == pytest.approx((2 * LARGE_RADII[1], 2 * LARGE_RADII[0]), abs=2.4)
    assert (large.isMeasurable, large.measures.side) == (True, "right")
    assert small.diametersMm == pytest.approx((2 * SMALL_RADII[1], 2 * SMALL_RADII[0]), abs=2.4)
    assert small.measures.side == "left"
    for row, centre in ((large, LARGE), (small, SMALL)):
        ends = np.array([slicer.util.arrayFromMarkupsControlPoints(n, world=True) for n in row.pair.nodes])
        assert np.linalg.norm(ends.mean(axis=(0, 1)) - centre) < 4
        if name != "transformed":
            np.testing.assert_allclose(ends[..., 2], ends[0, 0, 2], atol=0.01)


def test_a_transform_that_scales_scales_slicers_volume_too(monkeypatch: pytest.MonkeyPatch) -> None:
    segment_statistics.install(monkeypatch)
    scene = TumorScene((0, 0, 0), np.diag([2.0, 1.5, 1.0, 1.0]))
    statistics = segmentStatistics()
    assert not isinstance(statistics, CoreStatistics)
    expected = np.count_nonzero(scene.masks["ET"]) * np.prod(SPACING) / 1000
    for one in (statistics, CoreStatistics()):
        assert one.volumeMl(scene.segmentation, "ET") == pytest.approx(expected)


def test_a_warp_is_refused_by_name() -> None:
    scene = TumorScene()
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    spline = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    for point in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50)):
        points.InsertNextPoint(point)
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(points)
    warp.SetAndObserveTransformToParent(spline)
    scene.segmentation.SetAndObserveTransformNodeID(warp.GetID())
    measures = TumorMeasures()
    with pytest.raises(ValueError, match="DOE JOHN tumor is under the non-linear transform Warp"):
        measures.update(scene.segmentation, scene.volumes)
    assert measures.regions == []


def test_nothing_found_and_segments_that_are_not_there() -> None:
    scene = TumorScene()
    measures = TumorMeasures()
    scene.write("ET", np.zeros_like(scene.masks["ET"]))
    scene.segmentation.GetSegmentation().RemoveSegment("TC")
    measures.update(scene.segmentation, {"t1c": scene.volumes["t1c"], "t2f": None})
    assert [(row.region, row.lesions, row.side) for row in measures.regions] == [
        ("WT", 2, "both sides"),
        ("ET", 0, None),
    ]
    assert measures.regions[1].means == {"t1c": None}
    assert measures.lesions == [] and measures.sumOfProductsMm2 is None
    measures.update(scene.segmentation, {})
    assert measures.regions[0].side == "unknown"
    measures.update(None, {})
    assert measures.regions == []


def test_only_what_was_edited_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    segment_statistics.install(monkeypatch)
    scene = TumorScene()
    measures = TumorMeasures()
    measures.update(scene.segmentation, scene.volumes)
    plugin = measures._statistics._scalarVolume
    plugin.calls.clear()
    measures.update(scene.segmentation, scene.volumes)
    assert plugin.calls == []
    scene.write("TC", scene.masks["ET"])
    measures.update(scene.segmentation, scene.volumes)
    assert plugin.calls == ["TC"] * 4
    plugin.calls.clear()
    slicer.util.arrayFromVolume(scene.volumes["t2w"])[:] = 7
    slicer.util.arrayFromVolumeModified(scene.volumes["t2w"])
    measures.update(scene.segmentation, scene.volumes)
    assert plugin.calls == ["WT", "TC", "ET"]
    assert {row.means["t2w"] for row in measures.regions} == {7.0}


def test_states_follow_the_user() -> None:
    scene = TumorScene()
    assert segmentState(scene.segmentation, "ET") is SegmentState.EDITED  # drawn by hand
    scene.tag_as_computed()
    segment = scene.segmentation.GetSegmentation().GetSegment("ET")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert segmentState(scene.segmentation, "ET") is SegmentState.COMPUTED
    scene.write("ET", scene.large)
    assert segmentState(scene.segmentation, "ET") is SegmentState.EDITED
    scene.write("ET", scene.masks["ET"])  # taken back
    assert segmentState(scene.segmentation, "ET") is SegmentState.COMPUTED
    setReviewed(scene.segmentation, "ET", True)
    assert segmentState(scene.segmentation, "ET") is SegmentState.REVIEWED
    assert logic.GetSegmentStatus(segment) == logic.Completed
    scene.write("ET", scene.large)  # edited after the review
    assert segmentState(scene.segmentation, "ET") is SegmentState.EDITED
    assert logic.GetSegmentStatus(segment) == logic.InProgress
    logic.SetSegmentStatus(segment, logic.Completed)  # in Slicer's own table
    assert segmentState(scene.segmentation, "ET") is SegmentState.REVIEWED
    logic.SetSegmentStatus(segment, logic.NotStarted)  # and taken back there
    assert segmentState(scene.segmentation, "ET") is SegmentState.EDITED
    scene.write("ET", scene.small)
    logic.SetSegmentStatus(segment, logic.Completed)
    assert segmentState(scene.segmentation, "ET") is SegmentState.REVIEWED
    setReviewed(scene.segmentation, "ET", False)
    assert segmentState(scene.segmentation, "ET") is SegmentState.EDITED


def test_states_survive_saving_and_loading(tmp_path: Path) -> None:
    scene = TumorScene((14, -19, 26))
    scene.tag_as_computed()
    scene.write("WT", scene.masks["TC"])
    setReviewed(scene.segmentation, "TC", True)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "saved.seg.nrrd"))
    assert storage.WriteData(scene.segmentation)
    loaded = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert storage.ReadData(loaded)
    states = {region: segmentState(loaded, region).value for region in ("WT", "TC", "ET")}
    assert states == {"WT": "edited", "TC": "reviewed", "ET": "as computed"}
