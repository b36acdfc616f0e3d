"""From a folder to nodes: files for real, DICOM through a stand-in for Slicer's database."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
import slicer
from brains import brain_voxels
from SegMambaLib.inputs.loadCase import loadCase
from SegMambaLib.inputs.loadDicom import loadDicomSeries
from SegMambaLib.inputs.roleAssigner import assignVolumes
from standins import dicom

BRATS = ("p_t1", "p_t1ce", "p_t2", "p_flair")


def write(folder: Path, *names: str, suffix: str = ".nii.gz") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        sitk.WriteImage(sitk.GetImageFromArray(brain_voxels(seed)), str(folder / (name + suffix)))
    return [folder / (name + suffix) for name in names]


def loaded() -> list[str]:
    return sorted(volume.GetName() for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_brats_folder(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, *BRATS, "p_seg", suffix=suffix)
    lines: list[str] = []
    nodes = loadCase([tmp_path], lines.append)
    assert sorted(node.GetName() for node in nodes) == loaded() == sorted(BRATS)
    assert lines == [f"Loading {number} of 4" for number in (1, 2, 3, 4)]
    assert (slicer.util.arrayFromVolume(slicer.util.getNode("p_t2")) == brain_voxels(2)).all()


def test_files_in_folders_of_their_own_and_files_one_by_one(tmp_path: Path) -> None:
    for name in BRATS:
        write(tmp_path / "patient" / name, name)
    assert len(loadCase([tmp_path])) == 4
    slicer.mrmlScene.Clear()
    flair, mask = write(tmp_path / "more", "flair", "flair_mask")
    assert [node.GetName() for node in loadCase([flair, mask])] == ["flair"]
    (unknown,) = write(tmp_path / "more", "volume 3")
    assert [node.GetName() for node in loadCase([unknown])] == ["volume 3"]


def test_what_cannot_be_loaded_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no such file or folder"):
        loadCase([tmp_path / "nowhere"])
    (tmp_path / "damaged_t1.nii.gz").write_bytes(b"no image")
    with pytest.raises(RuntimeError, match=r"damaged_t1\.nii\.gz could not be loaded"):
        loadCase([tmp_path])
    for number in range(4):
        write(tmp_path / "many" / str(number), *BRATS)
    with pytest.raises(ValueError, match="There are 16 volumes"):
        loadCase([tmp_path / "many"])
    assert loaded() == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="without DICOM"):
        loadCase([tmp_path / "empty"])
    dicom.install(monkeypatch, [])
    with pytest.raises(ValueError, match="holds neither image files nor DICOM"):
        loadCase([tmp_path / "empty"])


STUDY = [
    {"SeriesDescription": "localizer"},
    {"SeriesDescription": "t1_se_tra"},
    {"SeriesDescription": "t2_tse_tra"},
    {"SeriesDescription": "SPACE", "EchoTime": "388", "InversionTime": "1800"},
    {"SeriesDescription": "ep2d_diff_ADC"},
    {"SeriesDescription": "t1_se_tra", "ContrastBolusAgent": "Gadovist"},
]


def test_a_dicom_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = dicom.install(monkeypatch, STUDY)
    lines: list[str] = []
    nodes = loadCase([tmp_path], lines.append)
    assert sorted(series) == ["1.2.1", "1.2.2", "1.2.3", "1.2.5"]
    assert lines == ["Reading DICOM headers", *(f"Loading {number} of 4" for number in (1, 2, 3, 4))]
    # The folder's database is gone by now; what it said is not.
    found = assignVolumes(nodes)
    assert {role: made.volume.GetName() for role, made in found.items()} == {
        "t1n": "1: t1_se_tra",
        "t1c": "5: t1_se_tra",
        "t2w": "2: t2_tse_tra",
        "t2f": "3: SPACE",
    }
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_one_series_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = dicom.install(monkeypatch, STUDY)
    (node,) = loadDicomSeries(tmp_path, "1.2.2")
    assert (series, node.GetName()) == (["1.2.2"], "2: t2_tse_tra")
    with pytest.raises(ValueError, match="no longer holds"):
        loadDicomSeries(tmp_path, "1.2.99")
    (tmp_path / "study.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match="Unpack it"):
        loadDicomSeries(tmp_path / "study.zip", "1.2.2")
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_dicom_that_is_no_single_case_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = [*STUDY, *({**one, "Patient": "8"} for one in STUDY)]
    assert dicom.install(monkeypatch, two) == []
    with pytest.raises(ValueError, match="holds 2 patients"):
        loadCase([tmp_path])
    years = [{**one, "StudyDate": f"202{year}0101"} for year in range(4) for one in STUDY]
    dicom.install(monkeypatch, years)
    with pytest.raises(ValueError, match="16 series that could be the four"):
        loadCase([tmp_path])
    dicom.install(monkeypatch, [STUDY[0], STUDY[4]])
    with pytest.raises(ValueError, match="2 DICOM series, of which none says that it is T1"):
        loadCase([tmp_path])
    assert loaded() == []
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []
