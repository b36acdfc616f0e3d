"""The panel: real Qt widgets, a real scene, a real program; stand-ins for Slicer's own widgets.

It proves the wiring. How Slicer's widgets behave is not shown here.
"""

from __future__ import annotations

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import slicer
from scenes import REPOSITORY, ROLES, add_case, expected_masks, fake_program, masks_on

pytest.importorskip("PySide6.QtUiTools", reason="PySide6-Essentials is not installed or lacks its libraries")

import SegMamba
from standins.panel import Panel

UI = REPOSITORY / "SegMambaSlicer" / "Resources" / "UI" / "SegMamba.ui"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SegMamba.SegMambaWidget]:
    """The module as Slicer sets it up, with one model installed and the fake command."""
    monkeypatch.setattr(slicer.util, "loadUI", Panel)
    monkeypatch.setattr(slicer.util, "childWidgetVariables", lambda panel: panel.children())
    monkeypatch.setattr(SegMamba, "modelFiles", lambda: [Path("small.safetensors"), Path("tom.safetensors")])
    monkeypatch.setattr(SegMamba, "findProgram", fake_program)
    widget = SegMamba.SegMambaWidget()
    widget.resourceFolder = str(UI.parent.parent)
    widget.setup()
    widget.shown.widget.show()
    yield widget
    widget.cleanup()


def choose(module: SegMamba.SegMambaWidget, volumes: dict) -> None:
    for role, volume in volumes.items():
        getattr(module.ui, f"{role}Selector").setCurrentNode(volume)


def wait_for_end(module: SegMamba.SegMambaWidget) -> None:
    end = time.monotonic() + 20
    while module._timer.active and time.monotonic() < end:
        module.onTimer()
        time.sleep(0.02)
    assert not module._timer.active


def test_the_button_says_what_is_missing(module: SegMamba.SegMambaWidget) -> None:
    button = module.ui.segmentButton
    assert not button.enabled
    assert button.toolTip == "Select a volume for T1, T1Gd, T2, T2-FLAIR."
    volumes = add_case()
    choose(module, {role: volumes[role] for role in ("t1n", "t1c", "t2w")})
    assert button.toolTip == "Select a volume for T2-FLAIR."
    choose(module, {"t2f": volumes["t2w"]})
    assert "T2 and T2-FLAIR are the same volume" in button.toolTip
    assert not button.enabled
    choose(module, volumes)
    assert button.enabled
    assert button.toolTip == "Segment the tumor in the four volumes."


def test_a_run_from_click_to_segments(module: SegMamba.SegMambaWidget) -> None:
    volumes = add_case()
    choose(module, volumes)
    ui = module.ui
    assert (ui.segmentButton.text, ui.progressBar.visible) == ("Segment tumor", False)
    ui.segmentButton.click()
    assert (ui.segmentButton.text, ui.progressBar.visible) == ("Cancel", True)
    assert not ui.inputsCollapsibleButton.enabled
    wait_for_end(module)
    assert (ui.segmentButton.text, ui.progressBar.visible) == ("Segment tumor", False)
    assert ui.inputsCollapsibleButton.enabled
    assert ui.statusLabel.text == (
        "Finished in 1 s. WT 12.3 mL, TC 5.6 mL, ET none found\n"
        "The volumes T2 and T1Gd hardly resemble each other."
    )
    assert not ui.errorLabel.visible
    segmentation = ui.segmentationSelector.currentNode()
    np.testing.assert_array_equal(masks_on(segmentation, volumes["t1c"])["TC"], expected_masks(volumes)["TC"])


def test_a_second_run_can_be_undone(module: SegMamba.SegMambaWidget) -> None:
    volumes = add_case()
    choose(module, volumes)
    module.ui.segmentButton.click()
    wait_for_end(module)
    assert not module.ui.undoButton.enabled
    before = masks_on(module.ui.segmentationSelector.currentNode(), volumes["t1c"])
    slicer.util.arrayFromVolume(volumes["t1c"])[:] = 150
    module.ui.segmentButton.click()
    assert not module.ui.undoButton.enabled
    wait_for_end(module)
    assert module.ui.undoButton.enabled
    module.ui.undoButton.click()
    after = masks_on(module.ui.segmentationSelector.currentNode(), volumes["t1c"])
    np.testing.assert_array_equal(after["ET"], before["ET"])
    assert not module.ui.undoButton.enabled


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = fake_program(FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(tmp_path / "pids"))
    monkeypatch.setattr(SegMamba, "findProgram", lambda: program)


def test_cancel(module: SegMamba.SegMambaWidget, slow: None) -> None:
    choose(module, add_case())
    module.ui.segmentButton.click()
    module.onTimer()
    module.ui.segmentButton.click()
    assert not module.ui.segmentButton.enabled
    assert module.ui.statusLabel.text == "Cancelling"
    wait_for_end(module)
    assert module.ui.statusLabel.text == "Cancelled. Nothing was changed."
    assert module.ui.segmentButton.enabled
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_closing_the_scene_cancels(module: SegMamba.SegMambaWidget, slow: None) -> None:
    choose(module, add_case())
    module.ui.segmentButton.click()
    slicer.mrmlScene.Clear()
    wait_for_end(module)
    assert module.ui.statusLabel.text == "Cancelled. Nothing was changed."
    assert module.ui.segmentButton.toolTip.startswith("Select a volume for T1,")
    choose(module, add_case())
    assert module.ui.segmentButton.enabled


def test_leaving_slicer_ends_the_run(module: SegMamba.SegMambaWidget, slow: None) -> None:
    choose(module, add_case())
    module.ui.segmentButton.click()
    module.cleanup()
    assert not module.logic.isRunning
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_a_run_goes_on_while_another_module_is_open(module: SegMamba.SegMambaWidget) -> None:
    choose(module, add_case())
    module.ui.segmentButton.click()
    module.exit()
    wait_for_end(module)
    module.enter()
    assert module.ui.segmentationSelector.currentNode() is module.logic.job.segmentation


def test_an_error_stays_readable_until_the_next_run(
    module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(module, add_case())
    monkeypatch.setattr(SegMamba, "findProgram", lambda: fake_program(FAKE_BEHAVIOUR="error"))
    module.ui.segmentButton.click()
    wait_for_end(module)
    assert module.ui.errorLabel.visible
    assert module.ui.errorLabel.text.startswith("Patient t2w: not a number")
    assert module.ui.statusLabel.text == ""
    module.exit()
    module.enter()
    assert module.ui.errorLabel.visible
    monkeypatch.setattr(SegMamba, "findProgram", fake_program)
    module.ui.segmentButton.click()
    assert not module.ui.errorLabel.visible
    wait_for_end(module)
    assert not module.ui.errorLabel.visible


@pytest.mark.parametrize("place", ["ensureDependencies", "findProgram"])
def test_what_keeps_a_run_from_starting_is_said(
    place: str, module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("There is a reason.")

    choose(module, add_case())
    monkeypatch.setattr(SegMamba, place, refuse)
    module.ui.segmentButton.click()
    assert module.ui.errorLabel.text == "There is a reason."
    assert not module._timer.active
    assert module.ui.segmentButton.enabled


def test_the_models_are_offered_and_remembered(module: SegMamba.SegMambaWidget) -> None:
    assert module.logic.getParameterNode().model == "small"
    module.ui.modelSelector.currentIndex = 1
    assert module.logic.getParameterNode().model == "tom"
    module.exit()
    module.enter()
    assert module.ui.modelSelector.currentText == "tom"


def test_without_models_nothing_can_be_run(
    module: SegMamba.SegMambaWidget,
) -> None:
    choose(module, add_case())
    module.ui.modelSelector.clear()
    module._updatePanel()
    assert module.ui.segmentButton.toolTip == "No model is installed. Install the extension again."
    assert not module.ui.segmentButton.enabled


def test_a_script_waits_for_the_segmentation(module: SegMamba.SegMambaWidget) -> None:
    volumes = add_case()
    lines: list[str] = []
    segmentation = SegMamba.SegMambaLogic().segment(volumes, onProgress=lines.append)
    np.testing.assert_array_equal(masks_on(segmentation, volumes["t1c"])["WT"], expected_masks(volumes)["WT"])
    assert lines and set(lines) <= {"Starting", "Reading volumes", "Segmenting", "Segmenting, 1 s left"}


def test_a_script_gets_the_reason(module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SegMamba, "findProgram", lambda: fake_program(FAKE_BEHAVIOUR="traceback"))
    with pytest.raises(RuntimeError, match="No module named 'torch'"):
        SegMamba.SegMambaLogic().segment(add_case())


def test_the_test_that_runs_within_slicer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(slicer.util, "tempDirectory", lambda: str(tmp_path))
    SegMamba.SegMambaTest("runTest").runTest()


def test_the_ui_file_connects_every_selector() -> None:
    root = ElementTree.parse(UI).getroot()
    selectors = {w.get("name"): w for w in root.iter("widget") if w.get("class") == "qMRMLNodeComboBox"}
    connected = {
        c.findtext("receiver")
        for c in root.iter("connection")
        if c.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and c.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
        and c.findtext("sender") == root.find("widget").get("name")
    }
    assert connected == set(selectors)
    parameters = [
        property_.findtext("string")
        for selector in selectors.values()
        for property_ in selector.iter("property")
        if property_.get("name") == "SlicerParameterName"
    ]
    assert sorted(parameters) == sorted([*ROLES, "segmentation"])
    assert set(parameters) < set(SegMamba.SegMambaParameterNode.__annotations__)


def test_every_widget_class_is_one_of_slicers() -> None:
    root = ElementTree.parse(UI).getroot()
    custom = {c.findtext("class") for c in root.iter("customwidget")}
    used = {w.get("class") for w in root.iter("widget")}
    assert custom == {name for name in used if not name.startswith("Q")}
