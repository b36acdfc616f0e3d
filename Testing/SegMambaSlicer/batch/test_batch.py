"""A batch beside Slicer: found, run, cancelled, loaded; with a program that answers at once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import slicer
from scenes import ROLES, fake_program
from SegMambaLib.batch.batch import Batch
from SegMambaLib.batch.batchEvents import OverallEvent, PatientEvent, parseBatchEvent
from SegMambaLib.batch.loadPatient import loadPatient
from SegMambaLib.inputs.loadCase import loadCase
from SegMambaLib.result.segmentedVolumes import segmentedVolumes
from SegMambaLib.run.programRun import RunState
from SegMambaLib.run.segmentCommand import RunChoices

from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.batch.summary import write_summary

from .patients import list_nodes_in_hierarchy, write_patients


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_patients(tmp_path / "patients")


def make_batch(**environment: str) -> Batch:
    return Batch(lambda: fake_program(**environment), Path(slicer.app.temporaryPath))


def wait(is_over: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_over() and time.monotonic() < end:
        time.sleep(0.02)
    assert time.monotonic() < end


def found(batch: Batch, folder: Path) -> Batch:
    batch.find(folder, folder.parent / "results")
    wait(batch.pollSearch)
    return batch


def test_who_is_there_and_what_is_missing(folder: Path) -> None:
    batch = make_batch()
    batch.find(folder, folder.parent / "results")
    assert batch.isSearching and not batch.rows
    wait(batch.pollSearch)
    assert [row.texts() for row in batch.rows.values()] == [
        ["Bad", "found", "", "", ""],
        ["Good", "found", "", "", ""],
        ["Short", "incomplete. T2-FLAIR is missing", "", "", ""],
    ]
    assert batch.rows["Good"].sources["t2w"] == folder / "Good" / "t2w.nrrd"
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_what_became_of_each(folder: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    batch = found(make_batch(FAKE_RECORD=str(record)), folder)
    assert batch.pagePath is None
    batch.start(RunChoices("tom", "fast", "cuda:0"))
    assert batch.isRunning
    wait(lambda: batch.poll().isOver)
    assert batch.run.state is RunState.SUCCEEDED  # although one failed: the batch went through
    assert [row.texts() for row in batch.rows.values()] == [
        ["Bad", "failed. T2: it is cut short", "", "", ""],
        ["Good", "done. T1 lies apart", "12.3 mL", "5.6 mL", "none found"],
        ["Short", "incomplete. T2-FLAIR is missing", "", "", ""],
    ]
    assert batch.run.overall == OverallEvent(1, 3, 100.0)
    assert (batch.run.batchResult.done, batch.run.batchResult.failed) == (1, 1)
    assert batch.pagePath == folder.parent / "results" / "index.html"
    asked = json.loads(record.read_text(encoding="utf-8"))
    assert (asked["model"], asked["mirror"], asked["device"]) == ("tom", "none", "cuda:0")
    assert asked["output"] == str(folder.parent / "results")
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


@pytest.mark.parametrize("behaviour", ["slow", "stubborn"])
@pytest.mark.skipif(sys.platform == "win32", reason="process numbers are looked up as on Linux and macOS")
def test_cancel_leaves_no_process_and_keeps_the_rows(folder: Path, tmp_path: Path, behaviour: str) -> None:
    pids = tmp_path / "pids"
    batch = found(make_batch(FAKE_BEHAVIOUR=behaviour, FAKE_PIDS=str(pids)), folder)
    batch.start(RunChoices())
    wait(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    batch.poll()
    assert batch.rows["Bad"].status == "running"
    batch.cancel()
    wait(lambda: batch.poll().isOver)
    assert batch.run.state is RunState.CANCELLED
    assert {row.status for row in batch.rows.values()} == {"waiting", "incomplete"}
    for number in pids.read_text(encoding="utf-8").split():
        wait(lambda number=number: not _is_alive(number))
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def _is_alive(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").split()[2] not in "ZX"
    except OSError:
        return False


def test_the_end_of_slicer_ends_the_batch(folder: Path, tmp_path: Path) -> None:
    batch = found(make_batch(FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(tmp_path / "pids")), folder)
    batch.start(RunChoices())
    batch.stopNow()
    assert not batch.isRunning
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
    batch.find(folder, folder.parent / "results")
    batch.stopNow()
    assert not batch.isSearching
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_what_keeps_all_from_being_segmented_is_said(folder: Path) -> None:
    batch = make_batch(FAKE_BEHAVIOUR="error")
    batch.find(folder, folder.parent / "results")
    with pytest.raises(RuntimeError, match=r"Nobody is there\."):
        wait(batch.pollSearch)
    assert not batch.isSearching

    batch = found(make_batch(), folder)
    batch._findProgram = lambda: fake_program(FAKE_BEHAVIOUR="error")
    batch.start(RunChoices())
    wait(lambda: batch.poll().isOver)
    assert batch.run.state is RunState.FAILED
    assert batch.errorMessage == "Nobody is there."
    assert "Command:" in batch.details


def test_folders_that_do_not_do(folder: Path) -> None:
    batch = make_batch()
    with pytest.raises(ValueError, match="no folder"):
        batch.find(folder / "absent", folder.parent / "results")
    with pytest.raises(ValueError, match="another folder"):
        batch.find(folder, folder)
    with pytest.raises(ValueError, match="Find the patients first"):
        batch.start(RunChoices())


def test_results_of_an_earlier_batch_are_shown(folder: Path) -> None:
    results = folder.parent / "results"
    results.mkdir()
    states = [("Bad", "running"), ("Good", "done"), ("Gone", "done")]
    write_summary([PatientOutcome(FoundPatient(*s[:1], {}), s[1]) for s in states], results / "summary.csv")
    batch = found(make_batch(), folder)
    assert {row.case: row.status for row in batch.rows.values()} == {
        "Bad": "",
        "Good": "done",
        "Short": "incomplete",
    }


def test_a_finished_patient_is_loaded(folder: Path) -> None:
    batch = found(make_batch(), folder)
    batch.start(RunChoices())
    wait(lambda: batch.poll().isOver)
    list_nodes_in_hierarchy()
    loaded = loadPatient("Good", batch.rows["Good"].sources, batch.resultFolder("Good"))
    assert [loaded.volumes[role].GetName() for role in ROLES] == [
        "Good T1",
        "Good T1Gd",
        "Good T2",
        "Good T2-FLAIR",
    ]
    assert segmentedVolumes(loaded.segmentation) == list(loaded.volumes.values())
    voxels = slicer.util.arrayFromVolume(loaded.volumes["t1c"])
    for region, threshold in (("WT", 100), ("TC", 200), ("ET", 300)):
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(loaded.segmentation, region, loaded.volumes["t1c"])
        np.testing.assert_array_equal(mask, voxels > threshold)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {
        hierarchy.GetItemName(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)))
        for node in [*loaded.volumes.values(), loaded.segmentation]
    }
    assert folders == {"Good"}


def test_series_in_folders_stay_where_slicer_puts_them(folder: Path) -> None:
    """As DICOM series, which have a study of their own in the subject hierarchy."""
    batch = found(make_batch(), folder)
    batch.start(RunChoices())
    wait(lambda: batch.poll().isOver)
    sources = {}
    for role, file in batch.rows["Good"].sources.items():
        sources[role] = folder / "series" / role
        sources[role].mkdir(parents=True)
        file.rename(sources[role] / file.name)
    list_nodes_in_hierarchy()
    loaded = loadPatient("Good", sources, batch.resultFolder("Good"))
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(loaded.volumes["t1c"])
    assert hierarchy.GetItemParent(item) == hierarchy.GetSceneItemID()
    assert hierarchy.GetItemByName("Good") == 0
    assert loaded.segmentation.GetSegmentation().GetSegment("WT") is not None


@pytest.mark.parametrize("lost", ["volume", "segments"])
def test_what_cannot_be_loaded_leaves_the_scene_as_it_was(folder: Path, lost: str) -> None:
    batch = found(make_batch(), folder)
    batch.start(RunChoices())
    wait(lambda: batch.poll().isOver)
    list_nodes_in_hierarchy()
    results = batch.resultFolder("Good")
    (folder / "Good" / "t2f.nrrd" if lost == "volume" else results / "segmentation.seg.nrrd").unlink()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    before = hierarchy.GetNumberOfItems()
    with pytest.raises((ValueError, RuntimeError), match="t2f" if lost == "volume" else "seg"):
        loadPatient("Good", batch.rows["Good"].sources, results)
    assert slicer.util.getNodesByClass("vtkMRMLVolumeNode") == []
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert hierarchy.GetNumberOfItems() == before


def test_events_are_understood_and_noise_is_not() -> None:
    line = '{"event":"patient","case":"A","status":"done","reason":"","volumes_ml":{"WT":1,"ET":null},"warnings":["x"]}'
    assert parseBatchEvent(line.encode()) == PatientEvent("A", "done", "", {"WT": 1.0, "ET": None}, ("x",))
    assert parseBatchEvent('{"event":"batch","done":1,"total":2,"seconds_left":null}') == OverallEvent(
        1, 2, None
    )
    for noise in (b"\xff\xfe hello", "[]", "{}", '{"event":"patient"}', '{"event":"phase","phase":"read"}'):
        assert parseBatchEvent(noise) is None


def test_a_series_among_others_in_a_folder_is_loaded_by_its_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder alone would give all of them."""
    batch = found(make_batch(), folder)
    batch.start(RunChoices())
    wait(lambda: batch.poll().isOver)
    asked: list[tuple[Path, str]] = []

    def load(place: Path, uid: str) -> list[slicer.vtkMRMLScalarVolumeNode]:
        asked.append((place, uid))
        return loadCase([sources[role] for role, one in uids.items() if one == uid])

    sources = dict(batch.rows["Good"].sources)
    uids = {role: f"1.2.{number}" for number, role in enumerate(ROLES)}
    monkeypatch.setattr("SegMambaLib.batch.loadPatient.loadDicomSeries", load)
    list_nodes_in_hierarchy()
    study = dict.fromkeys(ROLES, folder)
    loaded = loadPatient("Good", study, batch.resultFolder("Good"), uids)
    assert asked == [(folder, uid) for uid in uids.values()]
    assert segmentedVolumes(loaded.segmentation) == list(loaded.volumes.values())
