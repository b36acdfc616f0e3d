"""The inputs in the panel: filled when it opens, explained below each selector, dropped on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import qt
import SegMamba
import slicer
from brains import add_brain, add_brains, brain_voxels, put_into_study
from panel_steps import choose, section
from PySide6 import QtCore, QtGui, QtWidgets
from scenes import REPOSITORY, ROLES, add_case, fake_program
from SegMambaLib.panel.inputsSection import InputsSection
from SegMambaLib.panel.runSection import RunSection

DATA = Path(os.environ.get("SEGMAMBA_DATA", REPOSITORY.parent / "shared" / "data"))
SERIES = ("5: AX T1 SE", "12: T1 MPRAGE KM", "7: AX T2 TSE", "8: t2_tirm_tra_dark-fluid")


def chosen(module: SegMamba.SegMambaWidget) -> list[str | None]:
    ui = section(module, InputsSection).ui
    nodes = (getattr(ui, f"{role}Selector").currentNode() for role in ROLES)
    return [node.GetName() if node else None for node in nodes]


def text(module: SegMamba.SegMambaWidget, role: str) -> str:
    """What can be read below a selector, warnings on lines of their own."""
    label = getattr(section(module, InputsSection).ui, f"{role}Line")
    assert label.visible == bool(label.text)
    document = QtGui.QTextDocument()
    document.setHtml(label.text)
    return document.toPlainText()


def warnings(module: SegMamba.SegMambaWidget, role: str) -> list[str]:
    return text(module, role).splitlines()[1:]


def test_opening_the_panel_fills_the_roles(module: SegMamba.SegMambaWidget) -> None:
    add_brains("localizer", *reversed(SERIES), "Segmentation mask")
    module.enter()
    assert chosen(module) == list(SERIES)
    assert text(module, "t1c").startswith("4 x 4 x 4 mm, 40 x 48 x 40 voxels. Sure: its name says")
    assert warnings(module, "t1c") == []


def test_nothing_is_filled_once_the_user_has_begun(module: SegMamba.SegMambaWidget) -> None:
    volumes = add_brains(*SERIES, "mine")
    choose(module, {"t2w": volumes[4]})
    module.exit()
    module.enter()
    assert chosen(module) == [None, None, "mine", None]
    section(module, InputsSection).ui.assignButton.click()
    assert chosen(module) == [SERIES[0], SERIES[1], "mine", SERIES[3]]
    assert text(module, "t2w") == "4 x 4 x 4 mm, 40 x 48 x 40 voxels."


def test_an_ambiguous_role_is_explained(module: SegMamba.SegMambaWidget) -> None:
    add_brains(*SERIES, "9: T2")
    module.enter()
    assert chosen(module)[2] is None
    assert text(module, "t2w") == 'Left empty: 2 volumes could be it: "7: AX T2 TSE", "9: T2".'


def test_warnings_follow_the_choice(module: SegMamba.SegMambaWidget) -> None:
    volumes = dict(zip(ROLES, add_brains(*SERIES), strict=True))
    choose(module, volumes)
    assert warnings(module, "t2f") == []
    choose(module, {"t2f": volumes["t2w"]})
    assert warnings(module, "t2f") == ["The same volume as T2."]
    choose(module, volumes)
    assert warnings(module, "t2f") == warnings(module, "t2w") == []


def drop(module: SegMamba.SegMambaWidget, *paths: Path, address: str = "") -> bool:
    """Send the events of a drag and a drop to the panel; return whether it took them."""
    data = QtCore.QMimeData()
    data.setUrls(
        [QtCore.QUrl(address)] if address else [QtCore.QUrl.fromLocalFile(str(path)) for path in paths]
    )
    panel = module.parent.widget
    assert panel.acceptDrops()
    place, action = QtCore.QPointF(30, 30), QtCore.Qt.DropAction.CopyAction
    buttons = (QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier)
    enter = QtGui.QDragEnterEvent(place, action, data, *buttons)
    enter.ignore()
    QtWidgets.QApplication.sendEvent(panel, enter)
    if enter.isAccepted():
        QtWidgets.QApplication.sendEvent(panel, QtGui.QDropEvent(place, action, data, *buttons))
    return enter.isAccepted()


def write_case(folder: Path, *names: str) -> Path:
    import SimpleITK as sitk

    folder.mkdir()
    for seed, name in enumerate(names):
        sitk.WriteImage(sitk.GetImageFromArray(brain_voxels(seed)), str(folder / f"{name}.nii.gz"))
    return folder


def test_a_dropped_folder_is_a_case(module: SegMamba.SegMambaWidget, tmp_path: Path) -> None:
    choose(module, {"t2f": add_brain("of another patient")})
    folder = write_case(tmp_path / "case", "p_t1", "p_t1ce", "p_t2", "p_seg")
    module.parameterNode.segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert drop(module, folder)
    assert module.parameterNode.segmentation is None  # that of the other patient
    assert chosen(module) == ["p_t1", "p_t1ce", "p_t2", None]
    assert text(module, "t2f") == "Left empty: no volume says that it is T2-FLAIR."
    assert not section(module, InputsSection).ui.loadingLabel.visible
    assert section(module, InputsSection).ui.inputsCollapsibleButton.enabled

    more = write_case(tmp_path / "more", "p_flair")
    assert drop(module, more / "p_flair.nii.gz")
    assert chosen(module) == ["p_t1", "p_t1ce", "p_t2", "p_flair"]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real cases in {DATA}; set SEGMAMBA_DATA")
@pytest.mark.parametrize(
    ("case", "thick"), [("brats/BraTS-GLI-00000-000", []), ("raw/TCGA-DU-7294", ["Thick slices: 5.0 mm."])]
)
def test_a_real_folder(case: str, thick: list[str], module: SegMamba.SegMambaWidget) -> None:
    assert drop(module, DATA / case)
    assert [name and name.rpartition("-")[2] for name in chosen(module)] == ["t1n", "t1c", "t2w", "t2f"]
    assert all("Sure: its name says" in text(module, role) for role in ROLES)
    assert warnings(module, "t1n") == warnings(module, "t2w") == thick
    assert warnings(module, "t1c") == warnings(module, "t2f") == []


def test_what_is_no_file_goes_its_usual_way(module: SegMamba.SegMambaWidget) -> None:
    assert not drop(module, address="https://example.org/t1.nii.gz")


def test_a_folder_that_cannot_be_loaded_is_an_error(module: SegMamba.SegMambaWidget, tmp_path: Path) -> None:
    assert drop(module, tmp_path)
    assert "without DICOM" in module._errorBox.ui.errorLabel.text
    assert section(module, InputsSection).ui.inputsCollapsibleButton.enabled
    drop(module, write_case(tmp_path / "case", "p_t1"))
    assert not module._errorBox.widget.visible


def test_nothing_is_exchanged_during_a_run(
    module: SegMamba.SegMambaWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake_program(FAKE_BEHAVIOUR="slow", FAKE_PIDS=str(tmp_path / "pids"))
    monkeypatch.setattr("SegMambaLib.logic.findProgram", lambda: program)
    choose(module, add_case())
    section(module, RunSection).ui.segmentButton.click()
    assert drop(module, write_case(tmp_path / "case", "p_t1"))
    assert chosen(module) == [f"Patient {role}" for role in ROLES]
    assert module._errorBox.ui.errorLabel.text.startswith("A run is using the volumes.")
    assert not section(module, InputsSection).ui.inputsCollapsibleButton.enabled


def test_the_button_for_those_who_cannot_drop(
    module: SegMamba.SegMambaWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = section(module, InputsSection).ui.loadFolderButton
    folder = write_case(tmp_path / "case", "t1n", "t1c", "t2w", "t2f")
    answers = ["", str(folder)]

    class FileDialog:
        @staticmethod
        def getExistingDirectory(parent: object, title: str) -> str:
            return answers.pop(0)

    monkeypatch.setattr(qt, "QFileDialog", FileDialog, raising=False)
    button.click()
    assert chosen(module) == [None] * 4
    button.click()
    assert chosen(module) == ["t1n", "t1c", "t2w", "t2f"]


def test_another_scene_starts_afresh(module: SegMamba.SegMambaWidget) -> None:
    add_brains(*SERIES)
    module.enter()
    slicer.mrmlScene.Clear()
    assert chosen(module) == [None] * 4 and text(module, "t1n") == ""
    add_brains(*SERIES)
    module.enter()
    assert chosen(module) == list(SERIES)


def test_the_picture_of_the_inputs(module: SegMamba.SegMambaWidget, tmp_path: Path) -> None:
    """For a person to look at: pytest --basetemp keeps the file."""
    t1, t1c, t2, _ = add_brains("5: AX T1 SE", "12: T1 MPRAGE KM", "7: AX T2 TSE", "9: T2 FLAIR C+")
    add_brain("8: SPACE sag", 8)
    t1.SetSpacing(4, 4, 5)
    put_into_study(t1, "17", "20240101")
    put_into_study(t1c, "17", "20240101")
    put_into_study(t2, "17", "20240203")
    module.enter()
    module.layout.savePicture(tmp_path / "inputs.png")
    assert (tmp_path / "inputs.png").stat().st_size > 5000
