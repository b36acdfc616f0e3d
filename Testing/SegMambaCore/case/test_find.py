"""File names as they occur."""

from __future__ import annotations

from pathlib import Path

import pytest

from SegMambaCore.case.find import find_case_files
from SegMambaCore.errors import SegMambaError

NAMES = {
    "2021": ["BraTS2021_00002_t1", "BraTS2021_00002_t1ce", "BraTS2021_00002_t2", "BraTS2021_00002_flair"],
    "2023": ["BraTS-GLI-0-000-t1n", "BraTS-GLI-0-000-t1c", "BraTS-GLI-0-000-t2w", "BraTS-GLI-0-000-t2f"],
    "bare": ["T1", "T1Gd", "T2", "FLAIR"],
    "underscores": ["p7_t1_pre", "p7_t1_ce", "p7_t2", "p7_t2_flair"],
    "hyphens": ["Patient T1w", "Patient T1-post", "Patient T2w", "Patient T2-FLAIR"],
    "spaces": ["anna t1", "anna t1 gd", "anna t2", "anna flair"],
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "mha", "NII.GZ"])
@pytest.mark.parametrize("kind", NAMES)
def test_names(tmp_path: Path, kind: str, suffix: str) -> None:
    for name in NAMES[kind]:
        (tmp_path / f"{name}.{suffix}").touch()
    for other in (
        "x-seg.nii.gz",
        "brainmask_t1c.nii.gz",
        "t2_label.nrrd",
        "report.json",
        "._T1.nii.gz",
        "t1.txt",
    ):
        (tmp_path / other).touch()
    found = find_case_files(tmp_path)
    assert [found[role].name for role in ("t1n", "t1c", "t2w", "t2f")] == [
        f"{n}.{suffix}" for n in NAMES[kind]
    ]


def test_a_contrast_may_be_missing_beyond_doubt(tmp_path: Path) -> None:
    for name in ("a_t1.nii", "a_t1ce.nii", "a_t2.nii", "a_seg.nii"):
        (tmp_path / name).touch()
    assert {role: path.name for role, path in find_case_files(tmp_path).items()} == {
        "t1n": "a_t1.nii",
        "t1c": "a_t1ce.nii",
        "t2w": "a_t2.nii",
    }


@pytest.mark.parametrize("names", [("a_t1", "a_t1ce", "a_t2", "a_third"), ("a_t2",)])
def test_missing_role_lists_what_there_is(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Where a file is left that might be it, or a single contrast is there."""
    for name in names:
        (tmp_path / f"{name}.nii").touch()
    with pytest.raises(SegMambaError) as error:
        find_case_files(tmp_path)
    assert "T2-FLAIR: none" in str(error.value) and "T2: a_t2.nii" in str(error.value)
    assert str(tmp_path) in str(error.value) and len(str(error.value).splitlines()) <= 3


def test_doubled_role_lists_both(tmp_path: Path) -> None:
    for name in ("a_t1.nii", "b_t1.nii", "a_t1ce.nii", "a_t2.nii", "a_flair.nii"):
        (tmp_path / name).touch()
    with pytest.raises(SegMambaError, match=r"T1: a_t1\.nii, b_t1\.nii"):
        find_case_files(tmp_path)


def test_what_was_made_from_another_file_is_passed_over(tmp_path: Path) -> None:
    for name in (
        "T1",
        "T1_bias",
        "T1_mask",
        "T1c",
        "T1c_unstripped",
        "T2",
        "FLAIR",
        "FLAIR_seg",
        "ADC",
        "SWI",
    ):
        (tmp_path / f"UCSF-PDGM-0004_{name}.nii.gz").touch()
    found = find_case_files(tmp_path)
    assert [found[role].name for role in ("t1n", "t1c", "t2w", "t2f")] == [
        f"UCSF-PDGM-0004_{name}.nii.gz" for name in ("T1", "T1c", "T2", "FLAIR")
    ]


def test_no_choice_is_made_between_files(tmp_path: Path) -> None:
    for name in ("t1", "t1 se km", "t1 3d km", "t2", "flair gd"):
        (tmp_path / f"{name}.nii").touch()
    with pytest.raises(SegMambaError, match=r"T1Gd: t1 3d km\.nii, t1 se km\.nii"):
        find_case_files(tmp_path)
    (tmp_path / "t1 se km.nii").unlink()
    assert find_case_files(tmp_path)["t2f"].name == "flair gd.nii"


def test_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="no such folder"):
        find_case_files(tmp_path / "nowhere")
