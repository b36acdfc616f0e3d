"""Which file is whose label map, and what its labels mean."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.evaluation.cohort import SHAPE, save, tumor
from Training.evaluation.label_maps import find_label_maps, read_labels


def test_label_maps_are_found_by_the_names_of_the_cases(tmp_path):
    names = {
        "BraTS-GLI-00000-000": "BraTS-GLI-00000-000/BraTS-GLI-00000-000-seg.nii.gz",
        "BraTS2021_00001": "BraTS2021_00001/BraTS2021_00001_seg.nii.gz",
        "BraTS2021_00002": "BraTS2021_00002.nii.gz",
        "BraTS2021_00003": "BraTS2021_00003_seg.nrrd",
        "patient 4": "patient 4/segmentation.nii.gz",
    }
    others = ("BraTS2021_00001/BraTS2021_00001_t1ce.nii.gz", "BraTS2021_00002_flair.nii.gz", "notes.txt")
    others += ("patient 4/segmentation.seg.nrrd", ".123.BraTS2021_00009.nii.gz", "summary.csv")
    for name in (*names.values(), *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_label_maps(tmp_path) == {case: tmp_path / name for case, name in names.items()}


def test_doubtful_folders_are_refused(tmp_path):
    with pytest.raises(SegMambaError, match="no such folder"):
        find_label_maps(tmp_path / "absent")
    with pytest.raises(SegMambaError, match="holds no label map"):
        find_label_maps(tmp_path)
    for name in ("a.nii.gz", "a_seg.nii.gz"):
        (tmp_path / name).touch()
    with pytest.raises(SegMambaError, match=r"two label maps of the case a, a.nii.gz and a_seg.nii.gz"):
        find_label_maps(tmp_path)


def test_the_name_tells_the_year_of_the_labels(tmp_path):
    expected = {"WT": 1000, "TC": 216, "ET": 64}
    for case, enhancing, labels in (
        ("BraTS-GLI-00000-000", 3, "brats2023"),
        ("BraTS2021_00000", 4, "brats2021"),
    ):
        label_map = read_labels(save(tumor(enhancing=enhancing), tmp_path / f"{case}.nii.gz"), case, None)
        assert label_map.read_as == labels
        assert {name: int(mask.sum()) for name, mask in label_map.regions.items()} == expected


def test_a_4_in_a_file_of_2023_is_refused_unless_told(tmp_path):
    case = "BraTS-GLI-00000-000"
    path = save(tumor(cavity=True), tmp_path / f"{case}.nii.gz")
    with pytest.raises(SegMambaError, match=r"label 4.*\n.*--labels brats2024.*--labels brats2021"):
        read_labels(path, case, None)
    with pytest.raises(SegMambaError, match="label 4"):
        read_labels(path, case, "brats2023")

    label_map = read_labels(path, case, "brats2024")
    assert (label_map.read_as, int(label_map.cavity.sum())) == ("brats2024", 8)
    assert {name: int(mask.sum()) for name, mask in label_map.regions.items()} == {
        "WT": 1000,
        "TC": 216,
        "ET": 64,
    }
    assert np.array_equal(label_map.labels(), tumor(cavity=True))


@pytest.mark.parametrize("enhancing", [3, 4])
def test_a_name_without_a_year_tells_nothing_of_3_and_4(tmp_path, enhancing):
    path = save(tumor(enhancing=enhancing), tmp_path / "patient.nii.gz")
    with pytest.raises(SegMambaError, match=r"patient tells no BraTS year.*\n.*--labels"):
        read_labels(path, "patient", None)
    told = "brats2021" if enhancing == 4 else "brats2023"
    assert int(read_labels(path, "patient", told).regions["ET"].sum()) == 64
    assert read_labels(save(tumor(enhancing=1), path), "patient", None).regions["TC"].sum() == 216


def test_a_3_in_a_file_of_2021_is_refused(tmp_path):
    path = save(tumor(enhancing=3), tmp_path / "BraTS2021_00000.nii.gz")
    with pytest.raises(SegMambaError, match="label 3"):
        read_labels(path, "BraTS2021_00000", None)


def test_a_label_map_may_be_empty_and_spacing_follows_the_array(tmp_path):
    path = save(np.zeros(SHAPE, dtype=np.uint8), tmp_path / "a.nii.gz", spacing=(1.0, 2.0, 3.0))
    label_map = read_labels(path, "a", None)
    assert not label_map.regions["WT"].any()
    assert label_map.spacing == pytest.approx((3.0, 2.0, 1.0))
