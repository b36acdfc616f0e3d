"""Who is found in the folders that archives and people make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from SegMambaCore.batch.find_patients import NOTHING_RECOGNIZED, find_patients
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.errors import SegMambaError

BRATS_2021 = ("_t1", "_t1ce", "_t2", "_flair")
BRATS_2023 = ("-t1n", "-t1c", "-t2w", "-t2f")


def _touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def _case(folder: Path, prefix: str, endings: tuple[str, ...] = BRATS_2023) -> None:
    _touch(folder, *(f"{prefix}{ending}.nii.gz" for ending in endings))


def _problems(root: Path) -> dict[str, str]:
    return {patient.name: patient.problem for patient in find_patients(root)}


def test_a_folder_for_each_patient(tmp_path: Path) -> None:
    for name in ("B", "A"):
        _case(tmp_path / name, name, BRATS_2021)
        _touch(tmp_path / name, f"{name}_seg.nii.gz", f"._{name}_t1.nii.gz", "notes.txt")
    patients = find_patients(tmp_path)
    assert [patient.name for patient in patients] == ["A", "B"]
    assert all(not patient.problem and not patient.missing for patient in patients)
    assert list(patients[0].sources) == ["t1n", "t1c", "t2w", "t2f"]
    assert patients[0].sources["t1c"] == tmp_path / "A" / "A_t1ce.nii.gz"


def test_folders_at_any_depth_and_several_times(tmp_path: Path) -> None:
    _case(tmp_path / "HGG" / "Brats18_X_1", "Brats18_X_1", BRATS_2021)
    _case(tmp_path / "Miller" / "2024-01-05", "scan")
    _case(tmp_path / "Miller" / "2024-06-05", "scan")
    _case(tmp_path / "BraTS-GLI-00005-000", "BraTS-GLI-00005-000")
    _case(tmp_path / "BraTS-GLI-00005-001", "BraTS-GLI-00005-001")
    assert [(p.name, p.patient, p.time_point) for p in find_patients(tmp_path)] == [
        ("BraTS-GLI-00005-000", "BraTS-GLI-00005", "000"),
        ("BraTS-GLI-00005-001", "BraTS-GLI-00005", "001"),
        ("HGG/Brats18_X_1", "HGG/Brats18_X_1", ""),
        ("Miller/2024-01-05", "Miller", "2024-01-05"),
        ("Miller/2024-06-05", "Miller", "2024-06-05"),
    ]


def test_bids(tmp_path: Path) -> None:
    for ending in ("T1w", "ce-gadolinium_T1w", "T2w", "FLAIR"):
        _touch(tmp_path / "sub-01" / "ses-02" / "anat", f"sub-01_ses-02_{ending}.nii.gz")
    _touch(tmp_path / "sub-01" / "ses-02" / "dwi", "sub-01_ses-02_dwi.nii.gz")
    (patient,) = find_patients(tmp_path)
    assert (patient.name, patient.patient, patient.time_point) == ("sub-01/ses-02", "sub-01", "ses-02")
    assert not patient.problem


def test_many_patients_in_one_folder(tmp_path: Path) -> None:
    _case(tmp_path, "A-1", BRATS_2021)
    _case(tmp_path, "B", BRATS_2021[:3])
    _case(tmp_path / "more", "C")
    _case(tmp_path / "more", "D")
    _touch(tmp_path / "masks", "A-1_seg.nii.gz")
    assert _problems(tmp_path) == {"A-1": "", "B": "T2-FLAIR is missing.", "more/C": "", "more/D": ""}


def test_two_patients_are_never_mixed(tmp_path: Path) -> None:
    """Together they have each contrast once."""
    _touch(tmp_path / "x", "A_t1.nii.gz", "A_t1ce.nii.gz", "B_t2.nii.gz", "B_flair.nii.gz")
    assert _problems(tmp_path) == {
        "x/A": "T2 and T2-FLAIR are missing.",
        "x/B": "T1 and T1Gd are missing.",
    }


def test_free_names_in_a_patient_s_own_folder(tmp_path: Path) -> None:
    _touch(tmp_path / "x", "3-T1.nii", "7-T1Gd.nrrd", "4-T2.mha", "5-FLAIR.nii.gz")
    assert _problems(tmp_path) == {"x": ""}


def test_what_is_missing_or_double_is_said(tmp_path: Path) -> None:
    _case(tmp_path / "A", "A", BRATS_2023[:1])
    _case(tmp_path / "B", "B")
    _touch(tmp_path / "B", "B-t1ce.nrrd")
    (tmp_path / "C").mkdir()
    _touch(tmp_path / "D", "scan1.nii.gz")
    assert _problems(tmp_path) == {
        "A": "T1Gd, T2 and T2-FLAIR are missing.",
        "B": "Several could be T1Gd: B-t1c.nii.gz, B-t1ce.nrrd.",
        "C": NOTHING_RECOGNIZED,
        "D": NOTHING_RECOGNIZED,
    }


def test_other_spellings_side_by_side(tmp_path: Path) -> None:
    names = ("_ax_T1", "_T1_MPRAGE_post", "_sag_T2", "_3D_FLAIR", "_t1_mask", "_seg")
    _touch(tmp_path, *(f"{who}{name}.nii.gz" for who in ("Miller_A", "K-2") for name in names))
    assert _problems(tmp_path) == {"K-2": "", "Miller_A": ""}


def test_a_folder_for_each_contrast(tmp_path: Path) -> None:
    for name in ("MR_T1.541", "MR_T1c.542", "MR_T2.543", "MR_Flair.544"):
        _touch(tmp_path / "pat 1" / name, f"VSD.{name}.mha")
        _touch(tmp_path / "pat 2" / "2020-01-01" / name, "image.nii.gz")
    assert _problems(tmp_path) == {"pat 1": "", "pat 2/2020-01-01": ""}


def test_what_is_only_probable_is_noted(tmp_path: Path) -> None:
    _case(tmp_path / "A", "A")
    _touch(tmp_path / "A", "A-t2w_3D.nii.gz", "A-t2w_2D.nii.gz")
    (tmp_path / "A" / "A-t2w.nii.gz").unlink()
    (patient,) = find_patients(tmp_path)
    assert not patient.problem and patient.sources["t2w"].name == "A-t2w_3D.nii.gz"
    assert patient.notes == ('T2 is probably A-t2w_3D.nii.gz: its name says "t2w"; the other is 2D.',)


def test_the_folder_of_one_patient(tmp_path: Path) -> None:
    _case(tmp_path / "Miller", "t")
    (tmp_path / "Miller" / "transforms").mkdir()
    _touch(tmp_path / "Smith", "t1.nii", "t1c.nii", "t2.nii", "flair.nii")
    assert _problems(tmp_path / "Miller") == {"t": ""}
    assert _problems(tmp_path / "Smith") == {"Smith": ""}


def test_results_within_the_folder_are_no_patients(tmp_path: Path) -> None:
    _case(tmp_path / "A", "A")
    _touch(tmp_path / "results" / "A", "segmentation.nii.gz", "segmentation.seg.nrrd", "report.json")
    _case(tmp_path / "results", "old")
    assert [p.name for p in find_patients(tmp_path, skip=tmp_path / "results")] == ["A"]


def test_links_are_followed_and_circles_ended(tmp_path: Path) -> None:
    _case(tmp_path / "elsewhere", "A")
    root = tmp_path / "root"
    root.mkdir()
    try:
        (root / "A").symlink_to(tmp_path / "elsewhere")
        (root / "circle").symlink_to(root)
    except OSError:
        pytest.skip("links are not permitted here")
    patients = {patient.name: patient for patient in find_patients(root)}
    assert not patients["A"].problem


def test_the_same_name_twice(tmp_path: Path) -> None:
    """Each gets a folder of his own, on disks that take "a" for "A" too."""
    _case(tmp_path, "a")
    _case(tmp_path, "b")
    _case(tmp_path / "A", "x")
    assert sorted(_problems(tmp_path)) == ["A", "a 2", "b"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is closed to this user")
def test_a_closed_folder(tmp_path: Path) -> None:
    _case(tmp_path / "A", "A")
    (tmp_path / "B").mkdir(mode=0)
    assert "cannot be opened" in _problems(tmp_path)["B"]


@pytest.mark.parametrize("name", ["absent", "file", "empty", "other"])
def test_nobody_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    _touch(tmp_path / "other" / "x", "letter.txt")
    with pytest.raises(SegMambaError, match=name):
        find_patients(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "time_point"),
    [
        ("BraTS-GLI-00000-001", "001"),
        ("P/20240105", "20240105"),
        ("sub-01/ses-02", "ses-02"),
        ("Miller_tp2", "tp2"),
        ("Miller/baseline", "baseline"),
        ("BraTS2021_00002", ""),
        ("Brats17_TCIA_105_1", ""),
        ("TCGA-DU-7294", ""),
        ("P-123", ""),
    ],
)
def test_time_points(name: str, time_point: str) -> None:
    patient = FoundPatient(name, {})
    assert patient.time_point == time_point
    assert patient.patient == (name[: -len(time_point) - 1] if time_point else name)
