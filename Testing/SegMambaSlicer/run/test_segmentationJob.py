"""From a scene to segments through a program of its own, and everything that may happen on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import psutil
import pytest
import slicer
from jobs import finish, is_alive, wait_until
from scenes import (
    add_case,
    add_transform,
    expected_masks,
    fake_program,
    masks_on,
    oblique_affine,
    shift_and_turn,
    world_points_of_mask,
    world_points_of_segment,
)
from SegMambaLib.result.runHistory import RunHistory
from SegMambaLib.result.segmentedVolumes import segmentedVolumes
from SegMambaLib.run.programRun import RunState
from SegMambaLib.run.segmentationJob import SegmentationJob
from SegMambaLib.run.segmentCommand import RunChoices


def start(
    volumes: dict, segmentation: object = None, history: RunHistory | None = None, **environment: str
) -> SegmentationJob:
    return SegmentationJob(
        volumes,
        segmentation,
        RunChoices(),
        fake_program(**environment),
        history or RunHistory(),
        temporary_path(),
    )


@pytest.mark.parametrize("missing", [("t2w",), ("t1c", "t2f")])
def test_contrasts_that_are_missing_are_not_given_to_the_program(
    missing: tuple[str, ...], tmp_path: Path
) -> None:
    volumes = {**add_case(), **dict.fromkeys(missing)}
    job = start(volumes, FAKE_RECORD=str(tmp_path / "seen.json"))
    assert finish(job) is RunState.SUCCEEDED, job.errorMessage
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert all((seen[role] == "None" or seen[role] is None) for role in missing if role != "t1c")
    reference = volumes["t1n"] if "t1c" in missing else volumes["t1c"]
    expected = slicer.util.arrayFromVolume(reference) > 200
    np.testing.assert_array_equal(masks_on(job.segmentation, reference)["TC"], expected)
    assert [node.GetName() for node in segmentedVolumes(job.segmentation)] == [
        volumes[role].GetName() for role in ("t1n", "t1c", "t2w", "t2f") if role not in missing
    ]


def temporary_path() -> Path:
    return Path(slicer.app.temporaryPath)


def test_segments_lie_where_the_tumor_is_in_the_world() -> None:
    outer = add_transform(shift_and_turn())
    volumes = add_case(add_transform(shift_and_turn(), parent=outer))
    job = start(volumes)
    assert finish(job) is RunState.SUCCEEDED, job.errorMessage

    world = shift_and_turn() @ shift_and_turn() @ oblique_affine()
    for region, mask in expected_masks(volumes).items():
        expected = world_points_of_mask(mask, world)
        found = world_points_of_segment(job.segmentation, region)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-3)
        np.testing.assert_array_equal(masks_on(job.segmentation, volumes["t1c"])[region], mask)
    assert job.segmentation.GetName() == "Patient t1c tumor"
    assert job.run.warnings == ["The volumes T2 and T1Gd hardly resemble each other."]
    assert list(temporary_path().iterdir()) == []


def test_the_command_gets_the_four_files_and_the_model(tmp_path: Path) -> None:
    record = tmp_path / "arguments.json"
    program = fake_program(FAKE_RECORD=str(record))
    choices = RunChoices("small-2026", "best", "cpu")
    job = SegmentationJob(add_case(), None, choices, program, RunHistory(), temporary_path())
    assert finish(job) is RunState.SUCCEEDED
    arguments = json.loads(record.read_text(encoding="utf-8"))
    assert [Path(arguments[role]).name for role in ("t1n", "t1c", "t2w", "t2f")] == [
        "t1n.nrrd",
        "t1c.nrrd",
        "t2w.nrrd",
        "t2f.nrrd",
    ]
    assert Path(arguments["temporary"]).parent == temporary_path()
    assert (arguments["model"], arguments["reference"], arguments["progress"]) == (
        "small-2026",
        "t1c",
        "json",
    )
    assert (arguments["device"], arguments["mirror"], arguments["overlap"]) == ("cpu", "all", 0.5)
    assert arguments["mode"] == "windows"


def test_an_error_names_the_volume_and_not_the_file() -> None:
    job = start(add_case(), FAKE_BEHAVIOUR="error")
    assert finish(job) is RunState.FAILED
    assert job.errorMessage == "Patient t2w: not a number among the voxels.\nExport it again."
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode") is None
    assert list(temporary_path().iterdir()) == []


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("displaced", "does not lie on the voxels"),
        ("no ET", "lacks the segment ET"),
        ("no file", "could not be read"),
    ],
)
def test_a_wrong_result_changes_nothing(behaviour: str, message: str) -> None:
    volumes = add_case()
    history = RunHistory()
    first = start(volumes, history=history)
    assert finish(first) is RunState.SUCCEEDED
    second = start(volumes, first.segmentation, history, FAKE_BEHAVIOUR=behaviour)
    assert finish(second) is RunState.FAILED
    assert message in second.errorMessage
    for region, mask in expected_masks(volumes).items():
        np.testing.assert_array_equal(masks_on(first.segmentation, volumes["t1c"])[region], mask)
    assert not history.canUndo()


def test_a_wrong_result_leaves_no_new_segmentation() -> None:
    job = start(add_case(), FAKE_BEHAVIOUR="displaced")
    assert finish(job) is RunState.FAILED
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


@pytest.mark.parametrize("behaviour", ["slow", "stubborn"])
def test_cancel_ends_the_program_and_its_children(
    behaviour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SegMambaLib.run.programRun.SECONDS_TO_STOP", 0.3)
    pids = tmp_path / "pids"
    job = start(add_case(), FAKE_BEHAVIOUR=behaviour, FAKE_PIDS=str(pids))
    wait_until(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    processes = [psutil.Process(int(pid)) for pid in pids.read_text(encoding="utf-8").split()]
    job.poll()
    job.cancel()
    assert job.state is RunState.CANCELLING
    assert finish(job) is RunState.CANCELLED
    wait_until(lambda: not any(is_alive(process) for process in processes))
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode") is None
    assert list(temporary_path().iterdir()) == []


def test_stop_now_leaves_nothing_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = start(add_case(), FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(pids))
    wait_until(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    processes = [psutil.Process(int(pid)) for pid in pids.read_text(encoding="utf-8").split()]
    job.stopNow()
    assert job.state is RunState.CANCELLED
    assert list(temporary_path().iterdir()) == []
    wait_until(lambda: not any(is_alive(process) for process in processes))


def test_the_reference_is_deleted_during_the_run() -> None:
    volumes = add_case()
    job = start(volumes)
    slicer.mrmlScene.RemoveNode(volumes["t1c"])
    assert finish(job) is RunState.FAILED
    assert "Patient t1c was removed" in job.errorMessage
    assert list(temporary_path().iterdir()) == []


def test_the_scene_is_closed_during_the_run() -> None:
    job = start(add_case())
    slicer.mrmlScene.Clear()
    assert finish(job) is RunState.FAILED
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode") is None


def test_another_volume_is_deleted_during_the_run() -> None:
    volumes = add_case()
    job = start(volumes)
    slicer.mrmlScene.RemoveNode(volumes["t2w"])
    assert finish(job) is RunState.SUCCEEDED


def test_the_chosen_segmentation_is_deleted_during_the_run() -> None:
    volumes = add_case()
    chosen = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Chosen")
    job = start(volumes, chosen)
    slicer.mrmlScene.RemoveNode(chosen)
    assert finish(job) is RunState.SUCCEEDED
    assert job.segmentation is not chosen
    np.testing.assert_array_equal(
        masks_on(job.segmentation, volumes["t1c"])["TC"], expected_masks(volumes)["TC"]
    )


def test_the_volumes_are_moved_during_the_run() -> None:
    volumes = add_case()
    job = start(volumes)
    transform = add_transform(shift_and_turn())
    for volume in volumes.values():
        volume.SetAndObserveTransformNodeID(transform.GetID())
    assert finish(job) is RunState.SUCCEEDED
    for region, mask in expected_masks(volumes).items():
        np.testing.assert_allclose(
            world_points_of_segment(job.segmentation, region),
            world_points_of_mask(mask, shift_and_turn() @ oblique_affine()),
            atol=1e-3,
        )


def test_the_reference_changes_its_size_during_the_run() -> None:
    volumes = add_case()
    job = start(volumes)
    slicer.util.updateVolumeFromArray(volumes["t1c"], np.zeros((3, 4, 5), np.int16))
    assert finish(job) is RunState.FAILED
    assert "changed its size" in job.errorMessage


def test_a_second_run_replaces_the_regions_keeps_the_rest_and_can_be_undone() -> None:
    volumes = add_case()
    history = RunHistory()
    segmentation = start_and_finish(volumes, None, history)
    assert not history.canUndo()  # a new node is simply deleted
    segmentation.GetSegmentation().AddEmptySegment("Cavity", "Cavity")
    cavity = np.zeros_like(expected_masks(volumes)["WT"])
    cavity[2:5, 3:6, 4:9] = True
    reference = volumes["t1c"]
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        cavity.astype(np.uint8), segmentation, "Cavity", reference
    )
    before = masks_on(segmentation, reference)

    voxels = slicer.util.arrayFromVolume(reference)
    voxels[:] = voxels[::-1].copy()
    slicer.util.arrayFromVolumeModified(reference)
    assert start_and_finish(volumes, segmentation, history) is segmentation
    after = masks_on(segmentation, reference)
    for region, mask in expected_masks(volumes).items():
        np.testing.assert_array_equal(after[region], mask)
        assert (after[region] != before[region]).any()
    np.testing.assert_array_equal(
        slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "Cavity", reference), cavity
    )
    assert list(segmentation.GetSegmentation().GetSegmentIDs()) == ["WT", "TC", "ET", "Cavity"]

    assert history.canUndo()
    history.undo()
    for region, mask in before.items():
        np.testing.assert_array_equal(masks_on(segmentation, reference)[region], mask)
    np.testing.assert_array_equal(
        slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "Cavity", reference), cavity
    )
    assert not history.canUndo()


def test_undo_stays_in_step_over_several_runs() -> None:
    """Run, run, undo, run: what is left to undo are the states before the third and before the second run."""
    volumes = add_case()
    reference = volumes["t1c"]
    history = RunHistory()
    segmentation = start_and_finish(volumes, None, history)
    first = masks_on(segmentation, reference)["TC"]

    def run_on(shift: int) -> object:
        voxels = slicer.util.arrayFromVolume(reference)
        voxels[:] = np.roll(voxels, shift, axis=2)
        slicer.util.arrayFromVolumeModified(reference)
        start_and_finish(volumes, segmentation, history)
        return masks_on(segmentation, reference)["TC"]

    second = run_on(3)
    assert (second != first).any()
    run_on(2)
    history.undo()
    np.testing.assert_array_equal(masks_on(segmentation, reference)["TC"], second)
    run_on(1)
    for expected in (second, first):
        assert history.canUndo()
        history.undo()
        np.testing.assert_array_equal(masks_on(segmentation, reference)["TC"], expected)
    assert not history.canUndo()


def start_and_finish(
    volumes: dict, segmentation: object, history: RunHistory, **environment: str
) -> slicer.vtkMRMLSegmentationNode:
    job = start(volumes, segmentation, history, **environment)
    assert finish(job) is RunState.SUCCEEDED, job.errorMessage
    return job.segmentation


def test_undo_puts_the_segmentation_back_under_its_former_transform() -> None:
    volumes = add_case()
    history = RunHistory()
    segmentation = start_and_finish(volumes, None, history)
    where = world_points_of_segment(segmentation, "ET")
    transform = add_transform(shift_and_turn())
    for volume in volumes.values():
        volume.SetAndObserveTransformNodeID(transform.GetID())
    start_and_finish(volumes, segmentation, history)
    assert segmentation.GetParentTransformNode() is transform
    history.undo()
    np.testing.assert_allclose(world_points_of_segment(segmentation, "ET"), where, atol=1e-3)


def test_a_region_that_is_not_found_any_more_becomes_empty() -> None:
    volumes = add_case()
    history = RunHistory()
    segmentation = start_and_finish(volumes, None, history)
    start_and_finish(volumes, segmentation, history, FAKE_BEHAVIOUR="empty")
    masks = masks_on(segmentation, volumes["t1c"])
    assert not masks["ET"].any()
    np.testing.assert_array_equal(masks["TC"], expected_masks(volumes)["TC"])
    history.undo()
    np.testing.assert_array_equal(masks_on(segmentation, volumes["t1c"])["ET"], expected_masks(volumes)["ET"])


def test_inputs_that_do_not_do_start_nothing() -> None:
    volumes = add_case()
    volumes["t2f"] = volumes["t2w"]
    with pytest.raises(ValueError, match="T2 and T2-FLAIR are the same volume"):
        start(volumes)
    assert list(temporary_path().iterdir()) == []


def test_a_program_that_cannot_be_started_leaves_no_files(tmp_path: Path) -> None:
    from SegMambaLib.run.program import Program

    program = Program(str(tmp_path / "no-such-python"), {})
    with pytest.raises(RuntimeError, match="no-such-python cannot be started"):
        SegmentationJob(add_case(), None, RunChoices(), program, RunHistory(), temporary_path())
    assert list(temporary_path().iterdir()) == []
