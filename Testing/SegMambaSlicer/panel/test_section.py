"""What all sections share: parameters that widgets follow, and an error below the section that met it."""

from __future__ import annotations

from pathlib import Path

import SegMamba
import slicer
from jobs import wait_until
from panel_steps import choose, section, wait_for_end
from scenes import add_case
from SegMambaLib.panel.inputsSection import InputsSection
from SegMambaLib.panel.runSection import RunSection


def test_a_section_follows_the_choices_until_the_user_leaves(module: SegMamba.SegMambaWidget) -> None:
    volumes = add_case()
    node = module.logic.getParameterNode()
    node.t1n = volumes["t1n"]
    selector = section(module, InputsSection).ui.t1nSelector
    assert selector.currentNode() is volumes["t1n"]
    choose(module, {"t1n": volumes["t2w"]})
    assert node.t1n is volumes["t2w"]
    module.exit()
    selector.setCurrentNode(volumes["t1c"])
    assert node.t1n is volumes["t2w"]
    module.enter()
    assert selector.currentNode() is volumes["t2w"]


def test_a_new_scene_has_choices_of_its_own(module: SegMamba.SegMambaWidget) -> None:
    choose(module, add_case())
    slicer.mrmlScene.Clear()
    assert section(module, InputsSection).ui.t1cSelector.currentNode() is None
    volumes = add_case()
    choose(module, volumes)
    assert module.logic.getParameterNode().t2f is volumes["t2f"]


def test_an_error_stands_below_its_section_and_can_be_copied(module: SegMamba.SegMambaWidget) -> None:
    box = module._errorBox
    for kind in (RunSection, InputsSection):
        part = section(module, kind)
        part.showError("It failed.", "It failed.\nExit code 3.")
        assert module.layout.indexOf(box.widget) == module.layout.indexOf(part.widget) + 1
        assert box.widget.visible
        assert box.ui.errorLabel.text == "It failed."
        box.ui.copyDetailsButton.click()
        assert slicer.app.clipboard().text() == "It failed.\nExit code 3."
        assert box.ui.copyDetailsButton.text == "Copied"
    part.showError("Only this.")
    box.ui.copyDetailsButton.click()
    assert slicer.app.clipboard().text() == "Only this."
    part.showError("")
    assert not box.widget.visible


def test_whatever_can_be_used_says_what_it_does(module: SegMamba.SegMambaWidget) -> None:
    classes = (
        "QPushButton",
        "QToolButton",
        "QCheckBox",
        "QComboBox",
        "QLineEdit",
        "QSpinBox",
        "QDoubleSpinBox",
    )
    classes += ("QTableWidget", "ctkPathLineEdit", "qMRMLNodeComboBox", "qMRMLSegmentsTableView")
    silent = [
        name
        for part in module.sections
        for name, widget in vars(part.ui).items()
        if widget.metaObject().className() in classes and not widget.toolTip and not name.startswith("qt_")
    ]
    assert silent == []


def test_the_picture_of_the_panel(module: SegMamba.SegMambaWidget, tmp_path: Path) -> None:
    """All sections below each other, for a person to look at: pytest --basetemp keeps the file."""
    choose(module, add_case())
    module.layout.savePicture(tmp_path / "before.png")
    run = section(module, RunSection)
    run.choices.askForDevices()
    wait_until(lambda: run.choices.onTimer() or run.choices.devices)
    run.ui.segmentButton.click()
    wait_until(lambda: run.onTimer() or module.logic.job.run.progress)
    module.layout.savePicture(tmp_path / "running.png")
    wait_for_end(module)
    module._watcher.onQuiet()
    run.showError("Patient T2: not a number among the voxels.\nExport the volume again.", "details")
    module.layout.savePicture(tmp_path / "after.png")
    for name in ("before", "running", "after"):
        assert (tmp_path / f"{name}.png").stat().st_size > 20000
