"""A real case's reference segmentation, sent through preparation and back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.regions import label_map_from_regions, regions_from_label_map
from SegMambaCore.segmentation.restore import restore
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Volume

_DATA = Path(os.environ.get("SEGMAMBA_DATA", Path(__file__).parents[4] / "shared" / "data"))
_CASE = _DATA / "brats" / "BraTS-GLI-00000-000"

pytestmark = pytest.mark.skipif(not _CASE.is_dir(), reason=f"no real data: {_CASE} is absent")


@pytest.mark.parametrize("orientation", ["RAS", "SAR"])
def test_reference_labels_come_back_voxel_by_voxel(orientation: str) -> None:
    """The files' orientation is changed first; a network that is right everywhere gives the labels back."""
    volume = to_orientation(read_volume(_CASE / f"{_CASE.name}-t1c.nii.gz"), orientation)
    labels = to_orientation(read_volume(_CASE / f"{_CASE.name}-seg.nii.gz"), orientation)
    spec = ModelSpec(
        name="test",
        network="small",
        channels=ROLES,
        spacing=(1.0, 1.0, 1.0),
        orientation="LPS",
        normalisation="zscore_brain",
        activation="sigmoid",
        outputs=("WT", "TC", "ET"),
    )
    record = prepare_case(Case(dict.fromkeys(ROLES, volume)), spec).record

    masks = regions_from_label_map(labels.array, "brats2023")
    probabilities = np.zeros((3, *record.crop_shape), dtype=np.float32)
    for channel, mask in zip(probabilities, masks.values(), strict=True):
        turned = to_orientation(Volume(mask, labels.affine), "LPS").array
        margins = [
            (max(-start, 0), max(start + length - count, 0))
            for start, length, count in zip(record.crop_start, record.crop_shape, turned.shape, strict=True)
        ]
        padded = np.pad(turned, margins)
        box = tuple(
            slice(start + before, start + before + length)
            for start, length, (before, _) in zip(record.crop_start, record.crop_shape, margins, strict=True)
        )
        channel[:] = padded[box]

    restored = restore(probabilities, record, spec)
    assert restored.grid.matches(labels.grid)
    assert labels.array.any()
    np.testing.assert_array_equal(label_map_from_regions(restored.masks, "brats2023"), labels.array)
