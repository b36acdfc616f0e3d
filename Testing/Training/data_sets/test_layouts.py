"""The same brain in every published layout becomes the same pack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.data_sets.layouts import (
    NAMES_2021,
    NAMES_2023,
    TASK01,
    brain,
    write_brats,
    write_task01,
)
from Training.case_pack import CasePack, read_pack
from Training.data_sets.find import find_cases
from Training.data_sets.pack_found_case import pack_found_case

BRAIN = brain()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> CasePack:
    folder = tmp_path_factory.mktemp("expected")
    write_brats(folder, "BraTS2021_00001", BRAIN)
    return _only_pack(folder)


def _only_pack(data: Path) -> CasePack:
    (found,) = find_cases(data)
    return read_pack(pack_found_case(found, data))


def test_a_pack_is_what_the_files_hold(expected: CasePack) -> None:
    assert np.bincount(expected.labels.ravel(), minlength=4).tolist()[1:] == [24, 408, 216]
    assert expected.head.label_voxels == (24, 408, 216)
    assert set(expected.head.sources) == {"t1n", "t1c", "t2w", "t2f"}
    assert all(side % 16 == 0 for side in expected.labels.shape)
    t1c = expected.tensor()[1]
    assert t1c[expected.labels == 3].min() > t1c[expected.labels != 3].max()
    # The scanner's intensities come back, but for the quantisation.
    head = expected.head
    for channel, role in zip(range(4), ("t1n", "t1c", "t2w", "t2f"), strict=True):
        scores, written = expected.tensor()[channel], BRAIN.contrasts[role]
        scanner = scores[scores != 0] * head.deviation[channel] + head.mean[channel]
        error = np.abs(scanner - written[written != 0])
        assert np.percentile(error, 99.9) <= 0.51 * head.step[channel] * head.deviation[channel]


@pytest.mark.parametrize(
    ("case", "names", "et_label", "suffix"),
    [
        ("Brats17_CBICA_AAA_1", NAMES_2021, 4, ".nii.gz"),
        ("BraTS20_Training_001", NAMES_2021, 4, ".nii"),
        ("BraTS-GLI-00001-000", NAMES_2023, 3, ".nii.gz"),
    ],
)
def test_labels_mean_the_same_in_every_year(
    tmp_path: Path, expected: CasePack, case: str, names: tuple[str, ...], et_label: int, suffix: str
) -> None:
    write_brats(tmp_path / "deep" / "down", case, BRAIN, names=names, et_label=et_label, suffix=suffix)
    pack = _only_pack(tmp_path)
    assert pack.name == case
    _assert_same(pack, expected)


def test_the_segmentation_of_one_case_of_2020_has_another_name(tmp_path: Path, expected: CasePack) -> None:
    folder = write_brats(tmp_path, "BraTS20_Training_355", BRAIN, suffix=".nii")
    (folder / "BraTS20_Training_355_seg.nii").rename(folder / "W39_1998.09.19_Segm.nii")
    _assert_same(_only_pack(tmp_path), expected)


def test_task01_has_its_own_order_of_contrasts_and_labels(tmp_path: Path, expected: CasePack) -> None:
    write_task01(tmp_path, {"BRATS_001": BRAIN})
    pack = _only_pack(tmp_path)
    assert (pack.name, pack.head.data_set) == ("BRATS_001", "Task01_BrainTumour")
    _assert_same(pack, expected)


def test_another_orientation_gives_the_same_pack(tmp_path: Path, expected: CasePack) -> None:
    write_brats(tmp_path, "BraTS2021_00002", BRAIN, orientation="RSA")
    _assert_same(_only_pack(tmp_path), expected)


def test_own_data_says_what_its_labels_mean(tmp_path: Path, expected: CasePack) -> None:
    write_brats(tmp_path, "patient7", BRAIN, et_label=3)
    (unknown,) = find_cases(tmp_path)
    with pytest.raises(SegMambaError, match="no BraTS year"):
        unknown.read_labels()
    (told,) = find_cases(tmp_path, "brats2023")
    _assert_same(read_pack(pack_found_case(told, tmp_path)), expected)


def test_all_layouts_are_found_in_one_folder(tmp_path: Path) -> None:
    write_brats(tmp_path / "HGG", "Brats18_TCIA01_201_1", BRAIN)
    write_brats(tmp_path, "BraTS-GLI-00001-000", BRAIN, names=NAMES_2023, et_label=3)
    write_task01(tmp_path, {"BRATS_002": BRAIN, "BRATS_001": BRAIN})
    (tmp_path / "HGG" / "name_mapping.csv").write_text("a,b\n")
    found = find_cases(tmp_path)
    assert [case.name for case in found] == [
        "BRATS_001",
        "BRATS_002",
        "BraTS-GLI-00001-000",
        "Brats18_TCIA01_201_1",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modality": {"0": "CT"}}, '"CT" is not known'),
        ({"labels": {"0": "background", "1": "liver"}}, '"liver" is not known'),
        ({"training": None}, "does not describe"),
    ],
)
def test_another_task_is_refused(tmp_path: Path, change: dict, words: str) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps(TASK01 | {"training": []} | change), encoding="utf-8")
    with pytest.raises(SegMambaError, match=words):
        find_cases(tmp_path)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_no_folder_or_no_case_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(SegMambaError, match=r"no such folder|holds no case"):
        find_cases(tmp_path / name)


def _assert_same(pack: CasePack, expected: CasePack) -> None:
    np.testing.assert_array_equal(pack.labels, expected.labels)
    np.testing.assert_array_equal(pack.codes, expected.codes)
    np.testing.assert_array_equal(pack.head.step, expected.head.step)
    np.testing.assert_array_equal(pack.head.mean, expected.head.mean)
