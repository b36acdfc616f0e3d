"""A real case through nodes and Segment Statistics' filters, against SegMambaCore on the files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import slicer
from scenes import REPOSITORY, add_transform, add_volume, shift_and_turn
from SegMambaLib.logic import SegMambaLogic
from standins import segment_statistics

from SegMambaCore.measures.measure import measure
from SegMambaCore.measures.midsagittal import find_midsagittal_plane
from SegMambaCore.segmentation.regions import regions_from_label_map
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.read import read_volume

CASE = (
    Path(os.environ.get("SEGMAMBA_DATA", REPOSITORY.parent / "shared" / "data"))
    / "brats"
    / "BraTS-GLI-00000-000"
)

pytestmark = pytest.mark.skipif(
    not CASE.is_dir(), reason=f"no real data: {CASE} is absent; set SEGMAMBA_DATA"
)


def test_figures_of_a_real_case_are_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    segment_statistics.install(monkeypatch)
    labels = read_volume(CASE / f"{CASE.name}-seg.nii.gz")
    files = {role: read_volume(CASE / f"{CASE.name}-{role}.nii.gz") for role in ("t1n", "t1c", "t2w", "t2f")}
    masks = regions_from_label_map(labels.array, "brats2023")
    expected = measure(Segmentation(masks, labels.grid), files, find_midsagittal_plane(files["t1c"]))

    # In the scene the patient lies elsewhere, and a transform brings him back.
    transform = add_transform(np.linalg.inv(shift_and_turn()))
    volumes = {
        role: add_volume(role, file.array, shift_and_turn() @ file.affine, transform)
        for role, file in files.items()
    }
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetAndObserveTransformNodeID(transform.GetID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumes["t1c"])
    for region, mask in masks.items():
        node.GetSegmentation().AddSegment(slicer.vtkSegment(), region)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, region, volumes["t1c"])
    found = SegMambaLogic().measure(node, volumes)

    for row in found.regions:
        core = expected.regions[row.region]
        assert row.volumeMl == pytest.approx(core.volume_ml)
        assert (row.lesions, row.specks, row.side) == (core.lesions, core.specks, core.side)
        assert row.means == pytest.approx(core.mean_intensity)
    for row, lesion in zip(found.lesions, expected.lesions, strict=True):
        assert row.diametersMm == pytest.approx((lesion.longest.length_mm, lesion.perpendicular.length_mm))
        assert (row.isMeasurable, row.measures.side) == (lesion.measurable, lesion.side)
