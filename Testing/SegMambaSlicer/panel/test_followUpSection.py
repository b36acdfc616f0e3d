"""The Follow-up section: real tables and a real scene; the program that registers is real, too."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import qt
import SegMamba
import slicer
from panel_steps import section
from patients import AFFINE, add_patient, add_scan, motion
from PySide6 import QtCore
from scenes import REPOSITORY
from SegMambaLib.followUp.layScan import isLaid
from SegMambaLib.followUp.scan import Scan
from SegMambaLib.inputs.exportVolumes import worldAffine
from SegMambaLib.measures.linePair import lineEnds
from SegMambaLib.panel.followUpSection import FollowUpSection
from SegMambaLib.panel.measuresSection import MeasuresSection
from SegMambaLib.run.program import Program

from Testing.SegMambaCore.follow_up.courses import VERDICT


@pytest.fixture
def followUp(module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch) -> FollowUpSection:
    """The section, opened, with three visits of a patient: the lesion shrinks, then grows."""
    program = Program(sys.executable, {**os.environ, "PYTHONPATH": str(REPOSITORY)})
    monkeypatch.setattr("SegMambaLib.followUp.followUp.findProgram", lambda: program)
    patient = add_patient()
    add_scan(patient, "Visit 1", 5, "20240502")
    add_scan(patient, "Visit 2", 3, "20240620", motion())
    add_scan(patient, "Visit 3", 4, "20241020")
    part = section(module, FollowUpSection)
    part.ui.followUpCollapsibleButton.collapsed = False
    return part


def texts(table: object) -> list[list[str]]:
    widget = table.widget
    cells = [
        [widget.item(row, column) for column in range(widget.columnCount())]
        for row in range(widget.rowCount())
    ]
    return [[cell.text() if cell else "" for cell in row] for row in cells]


def choose(part: FollowUpSection, row: int, treatment: str) -> None:
    part.ui.scansTable.selectRow(row)
    part.ui.treatmentSelector.currentIndex = part.ui.treatmentSelector.findText(treatment)


def confirm(part: FollowUpSection, number: int) -> None:
    part.ui.baselineSelector.currentIndex = number
    part.ui.confirmedCheckBox.checked = True


def wait(part: FollowUpSection) -> None:
    end = time.monotonic() + 120
    while part.registration._timer.active and time.monotonic() < end:
        part.registration.onTimer()
        time.sleep(0.05)
    assert not part.registration.isRunning


def test_until_a_baseline_is_confirmed_nothing_is_assessable(followUp: FollowUpSection) -> None:
    ui = followUp.ui
    assert [row[:2] for row in texts(ui.scansTable)] == [
        ["2024-05-02", "Visit 1"],
        ["2024-06-20", "Visit 2"],
        ["2024-10-20", "Visit 3"],
    ]
    assert ui.messageLabel.text == "Changes are not assessable: no baseline was confirmed."
    assert not ui.confirmedCheckBox.enabled
    ui.baselineSelector.currentIndex = 1  # chosen, not confirmed
    assert all(row[2] == "not assessable" for row in texts(ui.changesTable) if row[1])
    ui.confirmedCheckBox.checked = True
    changes = [row for row in texts(ui.changesTable) if row[0] == "ET"]
    assert [row[2] for row in changes] == ["baseline", "-76 %", "-50 %"]
    assert [row[4] for row in changes] == [
        "",
        "-65 % volume reached\n(against baseline)",
        "+40 % volume reached\n(against nadir)",
    ]
    ui.baselineSelector.currentIndex = 2  # another one has to be confirmed anew
    assert not ui.confirmedCheckBox.checked
    assert "not assessable" in ui.messageLabel.text


def test_treated_scans_carry_the_caveat(followUp: FollowUpSection) -> None:
    ui = followUp.ui
    assert not ui.caveatLabel.visible
    choose(followUp, 0, "before treatment")
    choose(followUp, 1, "after surgery")
    assert ui.caveatLabel.visible
    assert "weights not validated on treated tumors" in ui.caveatLabel.text
    heads = [" ".join(row[0].split()) for row in texts(ui.changesTable) if not row[1]]
    assert ["weights not validated on treated tumors" in head for head in heads] == [False, True, False]
    assert heads[2].endswith("treatment not stated: the weights are not validated on treated tumors")
    assert texts(ui.scansTable)[1][2] == "after surgery"


def test_dates_can_be_entered_and_mistakes_are_told(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget
) -> None:
    ui = followUp.ui
    ui.scansTable.selectRow(2)
    assert ui.dateEdit.text == "2024-10-20"
    ui.dateEdit.text = "autumn"
    followUp.scans.onDateEdited()
    assert module._errorBox.ui.errorLabel.text == "autumn is no date. Enter it as 2024-05-02."
    ui.dateEdit.text = "2024-11-20"
    followUp.scans.onDateEdited()
    assert not module._errorBox.widget.visible
    assert texts(ui.scansTable)[2][0] == "2024-11-20"
    choose(followUp, 2, "after radiotherapy")
    ui.radiotherapyEdit.text = "2024-11-01"
    followUp.scans.onRadiotherapyEdited()
    assert any(
        "within 12 weeks of radiotherapy" in " ".join(row[0].split()) for row in texts(ui.changesTable)
    )
    ui.radiotherapyEdit.text = "soon"
    followUp.scans.onRadiotherapyEdited()
    assert "soon is no date" in ui.messageLabel.text
    assert not ui.csvButton.enabled


def test_a_date_that_changes_the_order_leaves_its_scan_chosen(followUp: FollowUpSection) -> None:
    ui, first = followUp.ui, followUp.scans.scans[0]
    ui.scansTable.selectRow(0)
    ui.dateEdit.text = "2025-01-01"
    followUp.scans.onDateEdited()
    assert followUp.scans.scans[2] == first
    assert (ui.scansTable.currentRow(), ui.dateEdit.text) == (2, "2025-01-01")
    ui.treatmentSelector.currentIndex = ui.treatmentSelector.findText("after surgery")
    assert [row[2] for row in texts(ui.scansTable)] == ["not stated", "not stated", "after surgery"]


def test_what_the_user_is_writing_stays(followUp: FollowUpSection, module: SegMamba.SegMambaWidget) -> None:
    followUp.ui.radiotherapyEdit.text = "2024-"
    module.refresh()
    assert followUp.ui.radiotherapyEdit.text == "2024-"


def test_the_sum_follows_the_targets_and_lines_of_other_sections(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget
) -> None:
    scan = followUp.scans.scans[0]
    measures = section(module, MeasuresSection)
    module.parameterNode.segmentation = scan.segmentation

    def product() -> str:
        return next(row[1] for row in texts(followUp.ui.changesTable) if row[0] == "Products")

    computed = product()
    measures.ui.lesionTable.widget.item(0, 0).setCheckState(QtCore.Qt.CheckState.Checked)
    assert product() == computed
    pair = measures.measures.lesions[0].pair
    start, end = lineEnds(pair.longest)
    pair.longest.SetNthControlPointPositionWorld(1, *(start + 2 * (end - start)))
    module.refresh()
    assert float(product().split()[0]) == pytest.approx(2 * float(computed.split()[0]), rel=0.01)


def test_segments_edited_elsewhere_are_compared_on_return(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget
) -> None:
    before = texts(followUp.ui.changesTable)
    module.exit()
    segmentation = followUp.scans.scans[0].segmentation
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "ET", followUp.scans.scans[0].reference)
    mask[:] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        mask, segmentation, "ET", followUp.scans.scans[0].reference
    )
    module.enter()
    assert texts(followUp.ui.changesTable) != before
    assert ["ET", "none found"] in [row[:2] for row in texts(followUp.ui.changesTable)]


def test_without_dates_the_order_is_named_and_dates_are_asked_for(followUp: FollowUpSection) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for scan in followUp.scans.scans:
        item = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(scan.segmentation))
        hierarchy.RemoveItemAttribute(item, "DICOM.StudyDate")
    followUp.update()
    assert "in the order Visit 1, Visit 2, Visit 3. Enter the dates" in followUp.ui.messageLabel.text
    followUp.ui.scansTable.selectRow(0)
    followUp.ui.dateEdit.text = "2024-05-02"
    followUp.scans.onDateEdited()
    assert "The date of Visit 2, Visit 3 is missing" in followUp.ui.messageLabel.text


def test_register_and_take_back(followUp: FollowUpSection) -> None:
    ui, (_first, second, third) = followUp.ui, followUp.scans.scans
    slicer.mrmlScene.RemoveNode(third.segmentation)  # one registration is enough
    assert not ui.removeButton.enabled
    ui.registerButton.click()
    assert (ui.registerButton.text, ui.progressBar.visible) == ("Cancel", True)
    wait(followUp)
    assert ui.statusLabel.text.startswith("Registered."), ui.statusLabel.text
    assert isLaid(second)
    corner = np.array([49, 59, 47, 1])
    assert np.linalg.norm((worldAffine(second.reference) - AFFINE) @ corner) < 1.5
    assert texts(ui.scansTable)[1][3] == "registered"
    ui.removeButton.click()
    assert not isLaid(second)
    assert texts(ui.scansTable)[1][3] == ""


@pytest.mark.parametrize("how", ["button", "scene", "module"])
def test_cancel(followUp: FollowUpSection, module: SegMamba.SegMambaWidget, how: str) -> None:
    followUp.ui.registerButton.click()
    if how == "button":
        followUp.ui.registerButton.click()
    elif how == "scene":
        slicer.mrmlScene.Clear()
    else:
        module.cleanup()
    wait(followUp)
    assert psutil.Process().children(recursive=True) == []
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
    if how == "button":
        assert followUp.ui.statusLabel.text == "Cancelled."


def test_an_error_stands_below_the_section(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget
) -> None:
    slicer.util.arrayFromVolume(followUp.scans.scans[1].reference)[:] = 0
    followUp.ui.registerButton.click()
    wait(followUp)
    assert module._errorBox.ui.errorLabel.text.startswith("Visit 2 T1Gd: the image is empty")


def test_an_unforeseen_error_ends_the_registration_and_is_told_once(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    followUp.ui.registerButton.click()
    monkeypatch.setattr(module.logic.followUp, "poll", lambda: 1 / 0)
    followUp.registration.onTimer()
    assert not followUp.registration._timer.active and not followUp.registration.isRunning
    assert module._errorBox.ui.errorLabel.text.startswith("The registration failed unexpectedly.")
    assert "ZeroDivisionError" in module._errorBox._details
    assert followUp.ui.registerButton.text == "Register to baseline"
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_views_and_files(followUp: FollowUpSection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    confirm(followUp, 1)
    choose(followUp, 1, "after surgery")
    names = iter([str(tmp_path / "table"), str(tmp_path / "page.html"), ""])
    dialog = SimpleNamespace(getSaveFileName=lambda *_: next(names))
    monkeypatch.setattr(qt, "QFileDialog", dialog, raising=False)
    followUp.ui.csvButton.click()
    followUp.ui.reportButton.click()
    followUp.ui.csvButton.click()  # the user thinks better of it
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["page.html", "table.csv"]
    assert "weights not validated on treated tumors" in (tmp_path / "page.html").read_text(encoding="utf-8")
    followUp.ui.sideBySideButton.click()
    assert len(slicer.app.layoutManager().sliceViewNames()) == 3
    assert "not registered" in followUp.ui.statusLabel.text
    followUp.ui.plotButton.click()
    views = [view for view in slicer.util.getNodesByClass("vtkMRMLPlotViewNode") if view.GetPlotChartNode()]
    assert [view.GetPlotChartNode().GetTitle() for view in views] == [
        "Follow-up: volumes",
        "Follow-up: sum of products",
    ]


def test_patients_are_kept_apart(followUp: FollowUpSection, module: SegMamba.SegMambaWidget) -> None:
    other = add_patient("Patient 8")
    add_scan(other, "Only", 4)
    module.refresh()
    ui = followUp.ui
    assert [ui.patientSelector.itemText(row) for row in range(2)] == ["Patient 7", "Patient 8"]
    ui.patientSelector.currentIndex = 1
    assert [row[1] for row in texts(ui.scansTable)] == ["Only"]
    assert "two or more scans" in ui.messageLabel.text
    assert not ui.registerButton.enabled


def test_a_folder_is_loaded(
    followUp: FollowUpSection,
    module: SegMamba.SegMambaWidget,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    dialog = SimpleNamespace(getExistingDirectory=lambda *_: str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(qt, "QFileDialog", dialog, raising=False)
    followUp.ui.loadFolderButton.click()
    assert "holds 0 folders with the four contrasts" in module._errorBox.ui.errorLabel.text


def test_the_choices_are_kept_in_the_scene(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget
) -> None:
    confirm(followUp, 2)
    choose(followUp, 2, "after radiotherapy")
    module.exit()
    module.enter()
    assert followUp.ui.confirmedCheckBox.checked
    assert followUp.scans.baseline == followUp.scans.scans[1]
    assert Scan(followUp.scans.scans[2].segmentation).treatment.value == "after radiotherapy"


def test_the_section_says_no_verdict(followUp: FollowUpSection) -> None:
    confirm(followUp, 1)
    choose(followUp, 2, "after radiotherapy")
    said = " ".join(cell for row in texts(followUp.ui.changesTable) for cell in row)
    for widget in vars(followUp.ui).values():
        for name in ("text", "toolTip"):
            value = getattr(widget, name, "")
            said += f" {value}" if isinstance(value, str) else ""
    assert "+40 %" in said
    assert not VERDICT.search(said), VERDICT.search(said)


def test_a_picture_to_look_at(
    followUp: FollowUpSection, module: SegMamba.SegMambaWidget, tmp_path: Path
) -> None:
    choose(followUp, 0, "before treatment")
    choose(followUp, 1, "after surgery")
    choose(followUp, 2, "after radiotherapy")
    confirm(followUp, 1)
    for part in module.sections:
        part.widget.visible = part is followUp
    module.layout.savePicture(tmp_path / "follow-up.png", 500)
    assert (tmp_path / "follow-up.png").stat().st_size > 5000
