"""The Batch section: real Qt widgets, a program that answers at once; stand-ins for Slicer's own widgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import qt
import SegMamba
import slicer
from panel_steps import choose, section
from scenes import add_case, fake_program
from SegMambaLib.panel.batchSection import BatchSection
from SegMambaLib.panel.runSection import RunSection

from ..batch.patients import list_nodes_in_hierarchy, write_patients


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_patients(tmp_path / "patients")


@pytest.fixture
def batch(module: SegMamba.SegMambaWidget, folder: Path) -> BatchSection:
    return section(module, BatchSection)


def wait(batch: BatchSection) -> None:
    end = time.monotonic() + 20
    while batch._timer.active and time.monotonic() < end:
        batch.onTimer()
        time.sleep(0.02)
    assert not batch._timer.active


def find(batch: BatchSection, folder: Path) -> None:
    batch.ui.batchPatientsPath.currentPath = str(folder)
    batch.ui.batchFindButton.click()
    wait(batch)


def cells(batch: BatchSection) -> list[list[str]]:
    table = batch.ui.batchTable
    return [[table.item(row, column).text() for column in range(5)] for row in range(table.rowCount)]


def test_from_a_folder_to_the_results(
    batch: BatchSection, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui = batch.ui
    assert ui.batchFindButton.toolTip == "Choose the folder of the patients."
    ui.batchPatientsPath.currentPath = str(folder)
    assert ui.batchOutputPath.currentPath == str(tmp_path / "patients-segmented")
    assert ui.batchFindButton.enabled
    assert (ui.batchRunButton.enabled, ui.batchRunButton.toolTip) == (False, "Find the patients first.")

    ui.batchFindButton.click()
    assert ui.batchStatusLabel.text == "Looking for patients"
    assert ui.batchProgressBar.visible and not ui.batchFindButton.enabled
    wait(batch)
    assert cells(batch) == [
        ["Bad", "found", "", "", ""],
        ["Good", "found", "", "", ""],
        ["Short", "incomplete. T2-FLAIR is missing", "", "", ""],
    ]
    assert ui.batchStatusLabel.text == "3 patients, 1 of them incomplete."
    assert not ui.batchProgressBar.visible
    assert not ui.batchPageButton.enabled and not ui.batchLoadButton.enabled

    ui.batchRunButton.click()
    assert ui.batchRunButton.text == "Cancel" and not ui.batchPatientsPath.enabled
    wait(batch)
    assert [row[1] for row in cells(batch)] == [
        "failed. T2: it is cut short",
        "done. T1 lies apart",
        "incomplete. T2-FLAIR is missing",
    ]
    assert cells(batch)[1][2:] == ["12.3 mL", "5.6 mL", "none found"]
    assert ui.batchStatusLabel.text == "1 done, 1 failed, 1 incomplete."
    assert ui.batchRunButton.text == "Segment all" and ui.batchRunButton.enabled

    opened: list[str] = []
    services = type("Services", (), {"openUrl": staticmethod(lambda url: opened.append(url.toLocalFile()))})
    monkeypatch.setattr(qt, "QDesktopServices", services, raising=False)
    ui.batchPageButton.click()
    assert opened == [str(tmp_path / "patients-segmented" / "index.html")]


def test_a_patient_is_loaded_into_the_panel(
    module: SegMamba.SegMambaWidget, batch: BatchSection, folder: Path
) -> None:
    list_nodes_in_hierarchy()
    find(batch, folder)
    batch.ui.batchRunButton.click()
    wait(batch)
    batch.ui.batchTable.selectRow(0)
    assert batch.ui.batchLoadButton.toolTip == "Select a patient who is done."
    batch.ui.batchTable.selectRow(1)
    batch.ui.batchLoadButton.click()
    node = module.logic.getParameterNode()
    assert node.t2f.GetName() == "Good T2-FLAIR"
    assert node.segmentation.GetSegmentation().GetSegment("TC") is not None
    assert section(module, RunSection).ui.segmentationSelector.currentNode() is node.segmentation
    (folder / "Good" / "t1n.nrrd").unlink()
    batch.ui.batchLoadButton.click()
    assert "t1n.nrrd" in module._errorBox.ui.errorLabel.text


def test_progress_and_cancel(
    module: SegMamba.SegMambaWidget,
    batch: BatchSection,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find(batch, folder)
    program = fake_program(FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(tmp_path / "pids"))
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: program)
    choose(module, add_case())
    batch.ui.batchRunButton.click()
    run = section(module, RunSection).ui.segmentButton
    assert (run.enabled, run.toolTip[:26]) == (False, "A batch of patients is bei")
    while module.logic.batch.rows["Bad"].status != "running":
        batch.onTimer()
    assert batch.ui.batchStatusLabel.text == "Bad: Starting, 0 of 3 patients"
    slicer.mrmlScene.Clear()  # a batch knows nothing of the scene
    assert module.logic.batch.isRunning
    batch.ui.batchRunButton.click()
    assert batch.ui.batchStatusLabel.text == "Cancelling" and not batch.ui.batchRunButton.enabled
    wait(batch)
    assert batch.ui.batchStatusLabel.text.startswith("Cancelled. Who is finished stays so")
    assert [row[1] for row in cells(batch)][:2] == ["waiting", "waiting"]
    choose(module, add_case())
    assert run.enabled


def test_a_batch_starts_for_a_user_who_went_on_while_packages_were_installed(
    module: SegMamba.SegMambaWidget, batch: BatchSection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(batch, folder)
    later: list[Callable[[], None]] = []
    monkeypatch.setattr(module.packages, "ensure", lambda section, then: later.append(then))
    batch.ui.batchRunButton.click()
    module.exit()
    later.pop()()
    assert module.logic.batch.isRunning
    wait(batch)
    assert batch.ui.batchStatusLabel.text == "1 done, 1 failed, 1 incomplete."


def test_leaving_slicer_ends_the_batch(
    module: SegMamba.SegMambaWidget,
    batch: BatchSection,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find(batch, folder)
    program = fake_program(FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(tmp_path / "pids"))
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: program)
    batch.ui.batchRunButton.click()
    module.cleanup()
    assert not module.logic.batch.isRunning
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_an_error_stays_readable(
    module: SegMamba.SegMambaWidget, batch: BatchSection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: fake_program(FAKE_BEHAVIOUR="error"))
    find(batch, folder)
    assert module._errorBox.ui.errorLabel.text == "Nobody is there."
    assert batch.ui.batchFindButton.enabled
    monkeypatch.setattr("SegMambaLib.logic.findProgram", fake_program)
    find(batch, folder)
    assert not module._errorBox.widget.visible
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: fake_program(FAKE_BEHAVIOUR="error"))
    batch.ui.batchRunButton.click()
    wait(batch)
    assert module._errorBox.ui.errorLabel.text == "Nobody is there."
    assert "Command:" in module._errorBox._details


def test_other_folders_want_another_search(batch: BatchSection, folder: Path, tmp_path: Path) -> None:
    find(batch, folder)
    batch.ui.batchOutputPath.currentPath = str(tmp_path / "elsewhere")
    assert cells(batch) == []
    assert batch.ui.batchRunButton.toolTip == "Find the patients first."


def test_the_picture_of_the_section(
    module: SegMamba.SegMambaWidget, batch: BatchSection, folder: Path, tmp_path: Path
) -> None:
    """For a person to look at: pytest --basetemp keeps the file."""
    batch.ui.batchCollapsibleButton.collapsed = False
    find(batch, folder)
    batch.ui.batchRunButton.click()
    wait(batch)
    module.layout.savePicture(tmp_path / "batch.png")
    assert (tmp_path / "batch.png").stat().st_size > 5000
