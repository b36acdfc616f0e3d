"""Quality, device and model: offered, remembered, given to the command, with the time that they cost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest
import qt
import SegMamba
import slicer
from jobs import is_alive, wait_until
from panel_steps import choose, section, wait_for_end
from scenes import add_case, fake_program
from SegMambaLib.panel.runSection import RunSection


@pytest.fixture
def run(module: SegMamba.SegMambaWidget) -> RunSection:
    return section(module, RunSection)


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("SegMambaLib.logic.modelNetwork", lambda path: "small")


def use(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: fake_program(**environment))


def enter(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    """Open the module and wait until the computer has said what it has."""
    module.enter()
    end = time.monotonic() + 20
    while run.choices._timer.active and time.monotonic() < end:
        run.choices.onTimer()
        time.sleep(0.02)
    assert not run.choices._timer.active


def items(selector: object) -> list[str]:
    return [selector.itemText(row) for row in range(selector.count)]


def test_setup_asks_nothing_and_opening_asks_in_the_background(
    module: SegMamba.SegMambaWidget, run: RunSection
) -> None:
    assert not run.choices._timer.active
    assert items(run.ui.deviceSelector) == ["Automatic", "CPU"]
    enter(module, run)
    assert items(run.ui.deviceSelector) == [
        "Automatic: NVIDIA Test",
        "NVIDIA Test, 8 GB",
        "CPU (test, 2 threads), 16 GB",
    ]
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
    module.enter()
    assert not run.choices._timer.active  # once is enough


def test_nothing_is_asked_before_the_packages_are_there(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.logic.packages, "problem", lambda: "torch is missing")
    module.enter()
    assert not run.choices._timer.active


def test_the_time_is_estimated_then_measured(module: SegMamba.SegMambaWidget, run: RunSection) -> None:
    choose(module, add_case())
    enter(module, run)
    label = run.ui.expectedTimeLabel
    assert "known after the first run" in label.text
    run.ui.deviceSelector.currentIndex = 2
    assert label.text.startswith("Takes roughly 26 s")  # 6 + 2 x 10
    run.ui.qualitySelector.currentIndex = 2
    assert label.text.startswith("Takes roughly 6 min")  # 6 + 8 x 4.6 x 10
    run.ui.qualitySelector.currentIndex = 1
    run.ui.segmentButton.click()
    wait_for_end(module)
    assert label.text.startswith("Takes about 43 s, as the last run")  # 3 + 40
    run.ui.qualitySelector.currentIndex = 0
    assert label.text.startswith("Takes about 23 s")  # 3 + 20: one pass of the two


def test_the_choices_reach_the_command_and_stay_in_the_scene(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, FAKE_RECORD=str(tmp_path / "seen.json"))
    choose(module, add_case())
    enter(module, run)
    run.ui.qualitySelector.currentIndex = 2
    run.ui.deviceSelector.currentIndex = 2
    run.ui.modelSelector.currentIndex = 1
    run.ui.segmentButton.click()
    assert not run.ui.qualitySelector.enabled
    wait_for_end(module)
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert (seen["mirror"], seen["device"], seen["model"]) == ("all", "cpu", "tom")
    module.exit()
    module.enter()
    node = module.logic.getParameterNode()
    assert (node.quality, node.device, node.model) == ("best", "cpu", "tom")
    assert run.ui.qualitySelector.currentText == "Best"


def test_a_device_of_another_computer_is_kept_until_this_one_is_known_to_lack_it(
    module: SegMamba.SegMambaWidget, run: RunSection
) -> None:
    node = module.logic.getParameterNode()
    node.device = "cuda:1"
    assert run.ui.deviceSelector.currentText == "cuda:1"
    enter(module, run)
    assert node.device == "auto"
    assert run.ui.deviceSelector.currentText == "Automatic: NVIDIA Test"


def test_devices_that_cannot_be_listed_are_no_obstacle(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FAKE_BEHAVIOUR="no torch")
    choose(module, add_case())
    enter(module, run)
    assert "No module named 'torch'" in run.ui.expectedTimeLabel.text
    assert run.ui.segmentButton.enabled


def test_leaving_slicer_ends_the_question(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    use(monkeypatch, FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(pids))
    module.enter()
    wait_until(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    processes = [psutil.Process(int(pid)) for pid in pids.read_text(encoding="utf-8").split()]
    module.cleanup()
    wait_until(lambda: not any(is_alive(process) for process in processes))
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_preparation_can_be_skipped(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, FAKE_RECORD=str(tmp_path / "seen.json"))
    choose(module, add_case())
    for skipped in (False, True):
        run.ui.skipPreparationBox.checked = skipped
        run.ui.segmentButton.click()
        assert not run.ui.skipPreparationBox.enabled
        wait_for_end(module)
        assert json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))["no_preparation"] is skipped


def test_the_check_page_is_one_click_away_after_a_run(
    module: SegMamba.SegMambaWidget, run: RunSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    choose(module, add_case())
    assert not run.ui.checkPageButton.visible
    run.ui.segmentButton.click()
    wait_for_end(module)
    assert run.ui.checkPageButton.visible
    run.ui.checkPageButton.click()
    run.ui.checkPageButton.click()
    assert opened[0] == opened[1] and opened[0].read_bytes() == b"picture of the input"
    module.cleanup()
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
