"""The panel: real Qt widgets, a real scene, a real program; stand-ins for Slicer's own widgets.

It proves the wiring. How Slicer's widgets behave is not shown here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SegMamba
import slicer
from panel_steps import choose, section, wait_for_end
from scenes import add_case, expected_masks, fake_program, masks_on
from SegMambaLib.models import missingContrasts
from SegMambaLib.panel.inputsSection import InputsSection
from SegMambaLib.panel.resultSection import ResultSection
from SegMambaLib.panel.runSection import RunSection

from SegMambaCore.model_file import header
from Training.model_spec import model_spec


@pytest.fixture
def run(module: SegMamba.SegMambaWidget) -> RunSection:
    return section(module, RunSection)


def test_the_button_says_what_is_missing(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    button = run.ui.segmentButton
    assert not button.enabled
    assert button.toolTip.startswith("Select a volume for T1, T1Gd, T2, T2-FLAIR: two contrasts at least")
    volumes = add_case()
    choose(module, {"t1n": volumes["t1n"]})
    assert button.toolTip.startswith("Select a volume for T1Gd, T2, T2-FLAIR:")
    choose(module, {role: volumes[role] for role in ("t1n", "t1c", "t2w")})
    assert button.enabled
    assert button.toolTip == "Segment the tumor without T2-FLAIR (Ctrl+Return)."
    choose(module, {"t2f": volumes["t2w"]})
    assert "T2 and T2-FLAIR are the same volume" in button.toolTip
    assert not button.enabled
    choose(module, volumes)
    assert button.enabled
    assert button.toolTip == "Segment the tumor in the four volumes (Ctrl+Return)."


def test_a_run_from_click_to_segments(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    volumes = add_case()
    choose(module, volumes)
    ui = run.ui
    assert (ui.segmentButton.text, ui.progressBar.visible) == ("Segment tumor", False)
    assert ui.segmentButton.shortcut.toString() == "Ctrl+Return"
    ui.segmentButton.click()
    assert (ui.segmentButton.text, ui.progressBar.visible) == ("Cancel", True)
    assert ui.segmentButton.shortcut.isEmpty()
    assert not section(module, InputsSection).ui.inputsCollapsibleButton.enabled
    wait_for_end(module)
    assert (ui.segmentButton.text, ui.progressBar.visible) == ("Segment tumor", False)
    assert section(module, InputsSection).ui.inputsCollapsibleButton.enabled
    assert ui.statusLabel.text == (
        "Finished in 1 s. WT 12.3 mL, TC 5.6 mL, ET none found\n"
        "Warning: The volumes T2 and T1Gd hardly resemble each other."
    )
    assert not module._errorBox.ui.errorLabel.visible
    segmentation = ui.segmentationSelector.currentNode()
    np.testing.assert_array_equal(masks_on(segmentation, volumes["t1c"])["TC"], expected_masks(volumes)["TC"])


def test_without_a_contrast_there_is_a_question_before_anything_runs(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []
    answers = [False, True]

    def ask(text: str, _title: str) -> bool:
        questions.append(text)
        return answers.pop(0)

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", ask)
    monkeypatch.setattr(header, "read_spec", lambda _: model_spec("sigmoid"))
    chosen = Path(f"{module.logic.getParameterNode().model}.safetensors")
    monkeypatch.setattr(missingContrasts, "modelFiles", lambda: [chosen])
    volumes = add_case()
    choose(module, {role: volumes[role] for role in ("t1n", "t1c", "t2f")})
    run.ui.segmentButton.click()
    assert not module.logic.isRunning
    assert questions[0].startswith("T2 is missing, and the model was not trained for that")
    assert questions[0].endswith("Segment with 3 of the four contrasts?")
    run.ui.segmentButton.click()
    wait_for_end(module)
    assert "Finished" in run.ui.statusLabel.text
    choose(module, {"t2w": volumes["t2w"]})
    run.ui.segmentButton.click()
    wait_for_end(module)
    assert len(questions) == 2


def test_a_second_run_can_be_undone(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    volumes = add_case()
    choose(module, volumes)
    run.ui.segmentButton.click()
    wait_for_end(module)
    assert not section(module, ResultSection).ui.undoButton.enabled
    before = masks_on(run.ui.segmentationSelector.currentNode(), volumes["t1c"])
    slicer.util.arrayFromVolume(volumes["t1c"])[:] = 150
    run.ui.segmentButton.click()
    assert not section(module, ResultSection).ui.undoButton.enabled
    wait_for_end(module)
    assert section(module, ResultSection).ui.undoButton.enabled
    section(module, ResultSection).ui.undoButton.click()
    after = masks_on(run.ui.segmentationSelector.currentNode(), volumes["t1c"])
    np.testing.assert_array_equal(after["ET"], before["ET"])
    assert not section(module, ResultSection).ui.undoButton.enabled


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = fake_program(FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(tmp_path / "pids"))
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: program)


def test_cancel(module: SegMamba.SegMambaWidget, run: RunSection, slow: None) -> None:
    choose(module, add_case())
    run.ui.segmentButton.click()
    run.onTimer()
    run.ui.segmentButton.click()
    assert not run.ui.segmentButton.enabled
    assert run.ui.statusLabel.text == "Cancelling"
    wait_for_end(module)
    assert run.ui.statusLabel.text == "Cancelled. Nothing was changed."
    assert run.ui.segmentButton.enabled
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_closing_the_scene_cancels(module: SegMamba.SegMambaWidget, run: RunSection, slow: None) -> None:
    choose(module, add_case())
    run.ui.segmentButton.click()
    slicer.mrmlScene.Clear()
    wait_for_end(module)
    assert run.ui.statusLabel.text == "Cancelled. Nothing was changed."
    assert run.ui.segmentButton.toolTip.startswith("Select a volume for T1,")
    choose(module, add_case())
    assert run.ui.segmentButton.enabled


def test_leaving_slicer_ends_the_run(module: SegMamba.SegMambaWidget, run: RunSection, slow: None) -> None:
    choose(module, add_case())
    run.ui.segmentButton.click()
    module.cleanup()
    assert not module.logic.isRunning
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_a_run_goes_on_while_another_module_is_open(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    choose(module, add_case())
    run.ui.segmentButton.click()
    module.exit()
    wait_for_end(module)
    module.enter()
    assert run.ui.segmentationSelector.currentNode() is module.logic.job.segmentation


def test_an_error_stays_readable_until_the_next_run(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(module, add_case())
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: fake_program(FAKE_BEHAVIOUR="error"))
    run.ui.segmentButton.click()
    wait_for_end(module)
    assert module._errorBox.ui.errorLabel.visible
    assert module._errorBox.ui.errorLabel.text.startswith("Patient t2w: not a number")
    assert run.ui.statusLabel.text == ""
    module.exit()
    module.enter()
    assert module._errorBox.ui.errorLabel.visible
    monkeypatch.setattr("SegMambaLib.logic.findProgram", fake_program)
    run.ui.segmentButton.click()
    assert not module._errorBox.ui.errorLabel.visible
    wait_for_end(module)
    assert not module._errorBox.ui.errorLabel.visible


@pytest.mark.parametrize("place", ["packages.packages.findProgram", "logic.findProgram"])
def test_what_keeps_a_run_from_starting_is_said(
    place: str, module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("There is a reason.")

    choose(module, add_case())
    module.logic.packages.areReady = place.startswith("logic")
    monkeypatch.setattr(f"SegMambaLib.{place}", refuse)
    run.ui.segmentButton.click()
    assert module._errorBox.ui.errorLabel.text == "There is a reason."
    assert not run._timer.active
    assert run.ui.segmentButton.enabled


def test_the_models_are_offered_and_remembered(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    assert module.logic.getParameterNode().model == "small"
    run.ui.modelSelector.currentIndex = 1
    assert module.logic.getParameterNode().model == "tom"
    module.exit()
    module.enter()
    assert run.ui.modelSelector.currentText == "tom"


def test_without_models_nothing_can_be_run(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(module, add_case())
    monkeypatch.setattr("SegMambaLib.logic.modelFiles", lambda: [])
    module.refresh()
    assert run.ui.segmentButton.toolTip == "No model is installed. Install the extension again."
    assert not run.ui.segmentButton.enabled


def test_a_script_waits_for_the_segmentation(module: SegMamba.SegMambaWidget) -> None:
    volumes = add_case()
    lines: list[str] = []
    segmentation = SegMamba.SegMambaLogic().segment(volumes, onProgress=lines.append)
    np.testing.assert_array_equal(masks_on(segmentation, volumes["t1c"])["WT"], expected_masks(volumes)["WT"])
    assert lines and set(lines) <= {"Starting", "Reading volumes", "Segmenting", "Segmenting, 1 s left"}


def test_a_script_gets_the_reason(module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: fake_program(FAKE_BEHAVIOUR="traceback"))
    with pytest.raises(RuntimeError, match="No module named 'torch'"):
        SegMamba.SegMambaLogic().segment(add_case())


def test_a_volume_that_is_warped_during_a_run_keeps_its_result(
    module: SegMamba.SegMambaWidget, run: RunSection
) -> None:
    volumes = add_case()
    choose(module, volumes)
    run.ui.segmentButton.click()
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    volumes["t1c"].SetAndObserveTransformNodeID(warp.GetID())
    wait_for_end(module)
    assert run.ui.statusLabel.text.startswith("Finished")
    assert module.parameterNode.segmentation.GetSegmentation().GetSegment("ET") is not None
    assert not module._errorBox.widget.visible
