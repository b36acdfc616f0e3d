"""Regions, label maps, colours and codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from SegMambaCore.errors import SegMambaError
from SegMambaCore.segmentation.regions import (
    REGIONS,
    LabelConvention,
    label_map_from_regions,
    regions_from_label_map,
)
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.terminology import terminology_tag
from SegMambaCore.volume.volume import Grid


@pytest.mark.parametrize(("convention", "enhancing"), [("brats2021", 4), ("brats2023", 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_label_map_to_regions_and_back(convention: LabelConvention, enhancing: int, dtype: DTypeLike) -> None:
    label_map = np.array([0, 1, 2, enhancing, 2, 0], dtype=dtype).reshape(1, 2, 3)
    masks = regions_from_label_map(label_map, convention)
    assert masks["WT"].ravel().tolist() == [False, True, True, True, True, False]
    assert masks["TC"].ravel().tolist() == [False, True, False, True, False, False]
    assert masks["ET"].ravel().tolist() == [False, False, False, True, False, False]
    back = label_map_from_regions(masks, convention)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, label_map)


@pytest.mark.parametrize(
    ("convention", "label", "hint"),
    [
        ("brats2023", 4, "resection cavity"),
        ("brats2021", 3, "brats2023"),
        ("brats2023", 7, "7"),
        ("brats2021", 1.5, "1.5"),
        ("brats2021", -1, "-1"),
    ],
)
def test_foreign_label_is_refused_by_name(convention: LabelConvention, label: float, hint: str) -> None:
    label_map = np.array([[[0, 1, label]]], dtype=np.float32)
    with pytest.raises(SegMambaError, match=r"case_seg\.nii\.gz") as error:
        regions_from_label_map(label_map, convention, "case_seg.nii.gz")
    assert hint in str(error.value)
    assert 1 <= len(str(error.value).splitlines()) <= 3


def test_innermost_region_decides_where_masks_are_not_nested() -> None:
    def flags(*values: int) -> np.ndarray:
        return np.array([[values]], dtype=bool)

    masks = {"WT": flags(1, 0, 0), "TC": flags(0, 1, 0), "ET": flags(0, 0, 1)}
    assert label_map_from_regions(masks, "brats2023").ravel().tolist() == [2, 1, 3]


def test_volume_counts_voxels_of_an_oblique_anisotropic_grid() -> None:
    turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    grid = Grid((4, 5, 6), turn @ np.diag([0.5, 2.0, 5.0, 1.0]))
    masks = {region: np.zeros(grid.shape, dtype=bool) for region in REGIONS}
    masks["WT"][1:3, 2, :5] = True
    segmentation = Segmentation(masks, grid)
    assert segmentation.voxel_count("WT") == 10
    assert segmentation.volume_ml("WT") == pytest.approx(10 * 5.0 / 1000)
    assert segmentation.volume_ml("ET") == 0


def test_segmentation_refuses_masks_of_another_shape() -> None:
    masks = {region: np.zeros((2, 3, 4), dtype=bool) for region in REGIONS}
    with pytest.raises(ValueError, match="shape"):
        Segmentation(masks, Grid((2, 3, 5), np.eye(4)))
    with pytest.raises(ValueError, match="regions"):
        Segmentation({"WT": masks["WT"]}, Grid((2, 3, 4), np.eye(4)))


def test_terminology_tags_have_slicers_seven_parts() -> None:
    expected_types = {
        "WT": "SCT^301766008^Lesion of Brain",
        "TC": "SCT^108369006^Neoplasm",
        "ET": "NCIt^C113842^Enhancing Lesion",
    }
    for region, expected in expected_types.items():
        parts = terminology_tag(region).split("~")
        assert len(parts) == 7
        assert parts[1].split("^")[:2] == ["SCT", "49755003"]
        assert parts[2] == expected
        assert parts[3] == parts[6] == "^^"
        assert parts[5].split("^")[:2] == ["SCT", "12738006"]


# Machado et al. 2009, severity 1: what linear RGB becomes for people without one kind of cone.
_SIMULATIONS = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


@pytest.mark.parametrize("simulation", _SIMULATIONS)
def test_colours_differ_for_every_eye(simulation: str) -> None:
    colours = [_lab(_SIMULATIONS[simulation] @ _linear(region.colour)) for region in REGIONS.values()]
    for one, other in combinations(colours, 2):
        assert np.linalg.norm(one - other) > 35  # 2 is just noticeable
    for colour in colours:
        assert np.hypot(*colour[1:]) > 15, "cannot be told from the grey of an image"


def _linear(srgb: Sequence[float]) -> np.ndarray:
    values = np.asarray(srgb)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _lab(linear_rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(linear_rgb, 0, 1) / to_xyz.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
