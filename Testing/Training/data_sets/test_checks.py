"""A case that would spoil a training is refused, in words that say what is wrong with which file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.errors import SegMambaError
from Testing.Training.data_sets.layouts import NAMES_2023, Brain, brain, write_brats, write_task01
from Training.data_sets.find import find_cases
from Training.data_sets.pack_found_case import pack_found_case

CASE = "BraTS2021_00001"
BRAIN = brain()


def _change(folder: Path, name: str, change: Callable[[sitk.Image], sitk.Image]) -> None:
    path = str(folder / f"{CASE}_{name}.nii.gz")
    sitk.WriteImage(change(sitk.ReadImage(path)), path)


def _with(image: sitk.Image, **geometry: object) -> sitk.Image:
    for name, value in geometry.items():
        getattr(image, f"Set{name}")(value)
    return image


def _thick(folder: Path) -> None:
    for name in ("t1", "t1ce", "t2", "flair", "seg"):
        _change(folder, name, lambda image: _with(image, Spacing=(1.0, 1.0, 5.0)))


def _with_nan(image: sitk.Image) -> sitk.Image:
    image = sitk.Cast(image, sitk.sitkFloat32)
    image[5, 5, 5] = float("nan")
    return image


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / f"{CASE}_{name}.nii.gz").unlink()


def _changed(name: str, change: Callable[[sitk.Image], sitk.Image]) -> Callable[[Path], None]:
    return lambda folder: _change(folder, name, change)


def _t2_is_t1(folder: Path) -> None:
    (folder / f"{CASE}_t2.nii.gz").write_bytes((folder / f"{CASE}_t1.nii.gz").read_bytes())


def _t2_cut_short(folder: Path) -> None:
    path = folder / f"{CASE}_t2.nii.gz"
    path.write_bytes(path.read_bytes()[:3000])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_changed("t2", lambda image: image[:, :, 1:]), "T2 and T1Gd .* 33 x 36 x 29 and 33 x 36 x 30"),
        (_changed("seg", lambda image: image[1:]), "The segmentation and T1Gd .* shapes"),
        (_changed("flair", lambda image: _with(image, Spacing=(1.0, 1.1, 1.0))), "FLAIR .* 1 x 1.1 x 1 mm"),
        (_changed("t1", lambda image: _with(image, Origin=(5.0, -18.0, 7.0))), r"T1 and .* \(affine\)"),
        (_changed("seg", lambda image: sitk.Flip(image, [True, False, False])), r"\(affine\)"),
        (_thick, "slices of 5.0 mm"),
        (_changed("t1ce", _with_nan), "T1Gd: .*not a number"),
        (_without("t1"), "T1: none"),
        (_without("seg"), "one reference segmentation is needed.* Found none"),
        (_t2_is_t1, "have the same content"),
        (_t2_cut_short, "T2: .*cut short|T2: .*damaged"),
        (_changed("seg", lambda image: image * 2), "label 8"),
    ],
)
def test_a_spoilt_case_is_refused(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(write_brats(tmp_path, CASE, BRAIN))
    _assert_refused(tmp_path, words)


@pytest.mark.parametrize(("case", "et_label"), [("BraTS-GLI-00001-000", 4), (CASE, 3)])
def test_labels_of_another_year_are_refused(tmp_path: Path, case: str, et_label: int) -> None:
    write_brats(tmp_path, case, BRAIN, names=NAMES_2023, et_label=et_label)
    _assert_refused(tmp_path, f"label {et_label}")


def test_a_tumour_beside_the_brain_is_refused(tmp_path: Path) -> None:
    outside = np.roll(BRAIN.labels, -8, axis=1)
    write_brats(tmp_path, CASE, replace(BRAIN, labels=outside))
    _assert_refused(tmp_path, "% of the tumor")


def test_a_damaged_file_of_task01_is_refused(tmp_path: Path) -> None:
    same = Brain(BRAIN.contrasts | {"t2w": BRAIN.contrasts["t1n"]}, BRAIN.labels)
    folder = write_task01(tmp_path, {"BRATS_001": same})
    _assert_refused(tmp_path, "T1 and T2 are the same")
    (folder / "labelsTr" / "BRATS_001.nii.gz").unlink()
    sitk.WriteImage(
        sitk.JoinSeries([sitk.GetImageFromArray(BRAIN.contrasts[role]) for role in ("t2f", "t1n", "t1c")]),
        str(folder / "imagesTr" / "BRATS_001.nii.gz"),
    )
    _assert_refused(tmp_path, "3 frames, but dataset.json names 4")
    (folder / "imagesTr" / "BRATS_001.nii.gz").unlink()
    _assert_refused(tmp_path, "no such file")


def _assert_refused(data: Path, words: str) -> None:
    (found,) = find_cases(data)
    with pytest.raises(SegMambaError, match=words):
        pack_found_case(found, data)
    assert not list(data.glob("*.b2nd"))
