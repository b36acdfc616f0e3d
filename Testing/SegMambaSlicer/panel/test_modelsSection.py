"""Models and packages in the panel: real files, real pip, real widgets; stand-ins for dialogs."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import qt
import SegMamba
import slicer
from panel_steps import choose, section, wait_for_end
from scenes import REPOSITORY, add_case
from SegMambaLib.packages import packages as packagesModule
from SegMambaLib.panel.modelsSection import ModelsSection
from SegMambaLib.panel.runSection import RunSection
from SegMambaLib.run.program import Program
from throwaway import CPU, NEEDED, NRRD, Environment, makeWheel, publish_all

from SegMambaCore.model_file import library

SHIPPED = REPOSITORY / "SegMambaCore" / "weights"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An answer to give, and the questions."""
    seen: dict[str, Any] = {"answer": True, "questions": []}
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: False)
    monkeypatch.setattr(
        slicer.util,
        "confirmOkCancelDisplay",
        lambda text, title: seen["questions"].append(text) or seen["answer"],
    )
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None)
    return seen


@pytest.fixture
def models(module: SegMamba.SegMambaWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelsSection:
    """The section, opened, with the shipped model and none of the user's."""
    monkeypatch.setenv("SEGMAMBA_MODELS", str(tmp_path / "own"))
    part = section(module, ModelsSection)
    part.ui.modelsCollapsibleButton.collapsed = False
    return part


@pytest.fixture
def spoiled(
    module: SegMamba.SegMambaWidget, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    """Slicer's Python is the throwaway one, where all packages are missing."""
    monkeypatch.setattr(packagesModule, "findProgram", lambda: environment.program)
    monkeypatch.setattr(packagesModule, "neededPackages", lambda: NEEDED)
    monkeypatch.setattr(packagesModule, "torchBuilds", lambda gpu: [CPU])
    module.logic.packages.areReady = False
    return environment


def rows(table: Any) -> list[list[str]]:
    return [
        [table.item(row, column).text() for column in range(table.columnCount)]
        for row in range(table.rowCount)
    ]


def finish(module: SegMamba.SegMambaWidget) -> None:
    end = time.monotonic() + 30
    while module.packages.isBusy:
        assert time.monotonic() < end
        module.packages.onTimer()
        time.sleep(0.02)


def wheel(path: Path) -> Path:
    """A copy of the shipped model."""
    return Path(shutil.copy(next(SHIPPED.glob("*.safetensors")), path))


def test_the_shipped_model_and_what_is_known_of_it(models: ModelsSection) -> None:
    name, network, size, dice, origin = rows(models.ui.modelTable)[0]
    assert name == next(SHIPPED.glob("*.safetensors")).stem
    assert (network, origin) == ("small", "shipped") and size.endswith(" MB")
    assert [0 < float(value) < 1 for value in dice.split(" / ")] == [True] * 3
    for words in (
        "License: ",
        "Checksum: right",
        "Training: 44 cases",
        "Dice WT 0.",
        "HD95 WT ",
        "may have seen them since",
    ):
        assert words in models.ui.modelDetailsLabel.text
    assert not models.ui.removeModelButton.enabled
    assert "part of SegMamba" in models.ui.removeModelButton.toolTip


def test_a_collapsed_section_looks_at_nothing(
    module: SegMamba.SegMambaWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise AssertionError("looked")

    monkeypatch.setattr("SegMambaLib.panel.modelsSection.modelRows", fail)
    monkeypatch.setattr(module.logic.packages, "states", fail)
    module.refresh()


def test_add_and_remove(
    models: ModelsSection, asked: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path / "From a colleague.safetensors")
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *arguments: str(path))
    models.ui.addModelButton.click()
    assert models.ui.modelsStatusLabel.text.startswith("Added as From-a-colleague:")
    assert rows(models.ui.modelTable)[1][::4] == ["From-a-colleague", "yours"]
    models.ui.addModelButton.click()
    assert [row[0] for row in rows(models.ui.modelTable)][1:] == ["From-a-colleague", "From-a-colleague-2"]
    assert models.ui.modelTable.currentRow() == 2
    asked["answer"] = False
    models.ui.removeModelButton.click()
    assert len(rows(models.ui.modelTable)) == 3
    asked["answer"] = True
    models.ui.removeModelButton.click()
    assert asked["questions"][-1] == "Delete the model From-a-colleague-2 from this computer?"
    assert [path.stem for path in (tmp_path / "own").iterdir()] == ["From-a-colleague"]


def test_a_damaged_file_is_refused_in_the_panel(
    module: SegMamba.SegMambaWidget, models: ModelsSection, tmp_path: Path
) -> None:
    path = wheel(tmp_path / "damaged.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    models.addModel(path)
    assert "the checksum does not match" in module._errorBox.ui.errorLabel.text
    assert len(rows(models.ui.modelTable)) == 1


def test_a_model_of_no_use_says_why(models: ModelsSection, tmp_path: Path) -> None:
    models.addModel(wheel(tmp_path / "mine.safetensors"))
    path = tmp_path / "own" / "mine.safetensors"
    path.write_bytes(path.read_bytes()[:1000000])
    models._fill()
    models.ui.modelTable.selectRow(1)
    assert "truncated" in models.ui.modelDetailsLabel.text
    assert models.ui.removeModelButton.enabled


def test_no_model_is_removed_during_a_run(
    module: SegMamba.SegMambaWidget, models: ModelsSection, tmp_path: Path
) -> None:
    models.addModel(wheel(tmp_path / "mine.safetensors"))
    assert models.ui.removeModelButton.enabled
    choose(module, add_case())
    section(module, RunSection).ui.segmentButton.click()
    assert not models.ui.removeModelButton.enabled
    assert "A segmentation is running" in models.ui.removeModelButton.toolTip
    wait_for_end(module)
    assert models.ui.removeModelButton.enabled


def real_program() -> Program:
    return Program(sys.executable, {**os.environ, "PYTHONPATH": str(REPOSITORY)})


def finish_import(models: ModelsSection) -> None:
    end = time.monotonic() + 120
    while models._timer.active and time.monotonic() < end:
        models.onTimer()
        time.sleep(0.05)
    assert not models._timer.active


@pytest.mark.slow
def test_pytorch_weights_of_the_public_code_become_a_model(
    models: ModelsSection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from SegMambaCore.network.build import build_network

    monkeypatch.setattr("SegMambaLib.panel.modelsSection.findProgram", real_program)
    torch.save(build_network("tom").state_dict(), tmp_path / "final model.pth")
    models.addModel(tmp_path / "final model.pth")
    finish_import(models)
    assert rows(models.ui.modelTable)[1][:2] == ["final-model", "tom"]
    assert rows(models.ui.modelTable)[1][3:] == ["unknown", "yours"]
    assert "License: as its author gave it" in models.ui.modelDetailsLabel.text
    assert "Accuracy: unknown" in models.ui.modelDetailsLabel.text


@pytest.mark.slow
def test_pytorch_weights_that_are_none_leave_nothing(
    module: SegMamba.SegMambaWidget, models: ModelsSection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SegMambaLib.panel.modelsSection.findProgram", real_program)
    (tmp_path / "evil.pth").write_bytes(b"cposix\nsystem\n(S'touch /tmp/segmamba-was-here'\ntR.")
    models.addModel(tmp_path / "evil.pth")
    assert models.ui.modelsStatusLabel.text == "Converting evil.pth"
    assert not models.ui.addModelButton.enabled
    finish_import(models)
    assert "could run code" in module._errorBox.ui.errorLabel.text
    assert not Path("/tmp/segmamba-was-here").exists()
    assert len(rows(models.ui.modelTable)) == 1 and models.ui.addModelButton.enabled
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_the_model_card(models: ModelsSection) -> None:
    models.ui.modelCardButton.click()
    assert models.ui.modelCardBrowser.visible
    assert "must not be used for" in models.ui.modelCardBrowser.toPlainText()
    models.ui.modelCardButton.click()
    assert not models.ui.modelCardBrowser.visible


def test_the_first_run_asks_once_installs_and_goes_on(
    module: SegMamba.SegMambaWidget, spoiled: Environment, asked: dict
) -> None:
    publish_all(spoiled)
    choose(module, add_case())
    run = section(module, RunSection)
    run.ui.segmentButton.click()
    assert (run.ui.segmentButton.text, run.ui.progressBar.visible) == ("Cancel", True)
    assert run.ui.statusLabel.text == "Looking at the Python packages"
    finish(module)
    assert len(asked["questions"]) == 1 and "To download: about 200 MB" in asked["questions"][0]
    assert spoiled.installed()["torch"] == "2.6"
    wait_for_end(module)
    assert run.ui.statusLabel.text.startswith("Finished in")
    run.ui.segmentButton.click()
    assert not module.packages.isBusy and module.logic.isRunning  # known to be ready
    wait_for_end(module)
    assert len(asked["questions"]) == 1


def test_a_no_segments_nothing_and_is_not_asked_again_by_itself(
    module: SegMamba.SegMambaWidget, spoiled: Environment, asked: dict
) -> None:
    asked["answer"] = False
    choose(module, add_case())
    run = section(module, RunSection)
    run.ui.segmentButton.click()
    finish(module)
    assert "as you chose. Nothing was downloaded." in module._errorBox.ui.errorLabel.text
    assert spoiled.installed() == {} and not module.logic.isRunning
    assert (run.ui.segmentButton.text, run.ui.statusLabel.text) == ("Segment tumor", "")
    module.exit()
    module.enter()
    module.refresh()
    assert not module.packages.isBusy and len(asked["questions"]) == 1
    run.ui.segmentButton.click()  # the user asks for it
    finish(module)
    assert len(asked["questions"]) == 2


def test_slicers_testing_mode_installs_nothing(
    module: SegMamba.SegMambaWidget, spoiled: Environment, asked: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: True)  # confirmOkCancelDisplay says yes then
    module.packages.install(section(module, ModelsSection))
    finish(module)
    assert asked["questions"] == [] and spoiled.installed() == {}


def test_install_repair_and_states(
    module: SegMamba.SegMambaWidget, models: ModelsSection, spoiled: Environment, asked: dict
) -> None:
    publish_all(spoiled)
    spoiled.install("pynrrd", "1.1.3", files={**NRRD, "nrrd/reader.py": ""})
    (spoiled.site / "nrrd" / "__init__.py").write_text("import nrrd.gone", encoding="utf-8")
    ui = models.ui
    ui.installButton.click()
    assert (ui.installButton.text, ui.packagesProgressBar.visible) == ("Cancel", True)
    finish(module)
    assert "PyTorch" in asked["questions"][0] and "anew:\n    pynrrd 1.1.3" in asked["questions"][0]
    assert rows(ui.packageTable) == [["torch", "2.6", "installed"], ["pynrrd", "1.1.3", "installed"]]
    assert ui.packagesStatusLabel.text == "All packages are there and work."
    assert (ui.installButton.text, ui.packagesProgressBar.visible) == ("Check", False)
    (spoiled.site / "torch" / "__init__.py").write_text("import torch.gone", encoding="utf-8")
    asked["answer"] = False
    ui.installButton.click()
    finish(module)
    assert rows(ui.packageTable)[0] == [
        "torch",
        "2.6",
        "does not work: ModuleNotFoundError: No module named 'torch.gone'",
    ]
    assert ui.packagesStatusLabel.text == "1 of 2 packages are missing or do not work."
    assert ui.installButton.text == "Repair"


def test_a_run_that_failed_for_a_package_is_looked_into(module: SegMamba.SegMambaWidget) -> None:
    packages = module.logic.packages
    packages.runFailed("T1: not a number among the voxels.")
    assert packages.areReady
    packages.runFailed("ModuleNotFoundError: No module named 'torch'")
    assert not packages.areReady


def test_cancel_while_looking(
    module: SegMamba.SegMambaWidget, models: ModelsSection, spoiled: Environment
) -> None:
    models.ui.installButton.click()
    models.ui.installButton.click()
    finish(module)
    assert module._errorBox.ui.errorLabel.text == ""
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_a_folder_of_wheels(
    module: SegMamba.SegMambaWidget,
    models: ModelsSection,
    spoiled: Environment,
    asked: dict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *arguments: str(spoiled.wheels))
    makeWheel(spoiled.wheels, "torch", "2.6")
    models.ui.wheelsButton.click()
    finish(module)
    assert "lacks wheels for:\n    pynrrd>=1.1\n" in module._errorBox.ui.errorLabel.text
    assert asked["questions"] == []
    makeWheel(spoiled.wheels, "pynrrd", "1.1.3", files=NRRD)
    models.ui.wheelsButton.click()
    finish(module)
    assert "nothing is downloaded" in asked["questions"][0]
    assert module.logic.packages.areReady


def test_leaving_slicer_ends_an_installation(module: SegMamba.SegMambaWidget, spoiled: Environment) -> None:
    module.packages.install(section(module, ModelsSection))
    module.cleanup()
    assert not module.packages.isBusy
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_the_shipped_checksum_is_compared(
    models: ModelsSection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    path = wheel(folder / "boxed.safetensors")
    monkeypatch.setattr(library, "SHIPPED_FOLDER", folder)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(b'').hexdigest()}  {path.name}\n", encoding="utf-8")
    models._fill()
    assert "damaged or altered (checksum)" in models.ui.modelDetailsLabel.text
