"""A patient's folder becomes volumes and segmentations under a patient and its studies."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import slicer
from patients import AFFINE, ball, enhancing_ml, head
from scenes import world_points_of_mask, world_points_of_segment
from SegMambaLib.followUp.findScans import findPatients
from SegMambaLib.followUp.followUp import FollowUp
from SegMambaLib.followUp.loadFolder import loadPatientFolder

from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.write import write_seg_nrrd
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume


def write_scan(folder: Path, radius: float, segmentation: str = "") -> None:
    folder.mkdir(parents=True)
    for role in ("t1n", "t1c", "t2w", "t2f"):
        write_volume(Volume(head(radius), AFFINE), folder / f"{folder.name}-{role}.nii.gz")
    masks = {"WT": ball(1.6 * radius), "TC": ball(1.2 * radius), "ET": ball(radius)}
    if segmentation == "labels":
        labels = np.where(masks["ET"], 3, np.where(masks["TC"], 1, np.where(masks["WT"], 2, 0)))
        write_volume(Volume(labels.astype(np.uint8), AFFINE), folder / f"{folder.name}-seg.nii.gz")
    elif segmentation == "segments":
        volume = Volume(head(radius), AFFINE)
        write_seg_nrrd(Segmentation(masks, volume.grid), folder / "segmentation.seg.nrrd")


def test_brats_2023_names_have_an_order_but_no_dates(tmp_path: Path) -> None:
    folder = tmp_path / "BraTS-GLI-00005"
    write_scan(folder / "BraTS-GLI-00005-001", 4, "labels")
    write_scan(folder / "BraTS-GLI-00005-000", 5, "segments")
    write_scan(folder / "BraTS-GLI-00005-002", 4)
    (folder / "notes").mkdir()
    scans, remarks = loadPatientFolder(folder)
    assert [scan.name for scan in scans] == ["BraTS-GLI-00005-000", "BraTS-GLI-00005-001"]
    assert [scan.date for scan in scans] == [None, None]
    assert [len(scan.volumes()) for scan in scans] == [4, 4]
    assert any("BraTS-GLI-00005-002: no segmentation" in remark for remark in remarks)
    assert any("notes" in remark for remark in remarks)
    (patient,) = findPatients()
    assert (patient.name, list(patient.scans)) == ("BraTS-GLI-00005", scans)
    for scan, radius in zip(scans, (5, 4), strict=True):
        np.testing.assert_allclose(
            world_points_of_segment(scan.segmentation, "ET"),
            world_points_of_mask(ball(radius), AFFINE),
            atol=1e-2,
        )
        assert "-t1c" in scan.reference.GetName()
    rows = FollowUp().compare(scans, scans[0]).rows
    enhancing = [row for row in rows if row.measure.key == "ET"]
    change = 100 * (enhancing_ml(4) / enhancing_ml(5) - 1)
    assert enhancing[1].against_baseline.percent == pytest.approx(change)


def test_dates_in_names_become_study_dates(tmp_path: Path) -> None:
    for name in ("2024-06-20", "2024-05-02"):
        write_scan(tmp_path / "Patient 7" / name, 4, "labels")
    scans, remarks = loadPatientFolder(tmp_path / "Patient 7")
    assert [scan.date for scan in scans] == [date(2024, 5, 2), date(2024, 6, 20)]
    assert remarks == []


def test_what_is_no_folder_of_one_patient_is_refused(tmp_path: Path) -> None:
    write_scan(tmp_path / "a" / "BraTS-GLI-00005-000", 4)
    with pytest.raises(ValueError, match="holds 1 folders with the four contrasts"):
        loadPatientFolder(tmp_path / "a")
    write_scan(tmp_path / "a" / "BraTS-GLI-00006-000", 4)
    with pytest.raises(ValueError, match="several patients: BraTS-GLI-00005, BraTS-GLI-00006"):
        loadPatientFolder(tmp_path / "a")
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_a_damaged_segmentation_is_named(tmp_path: Path) -> None:
    for number in (0, 1):
        write_scan(tmp_path / "P" / f"P-00{number}", 4, "segments")
    file = tmp_path / "P" / "P-001" / "segmentation.seg.nrrd"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(RuntimeError, match=r"segmentation.seg.nrrd could not be read"):
        loadPatientFolder(tmp_path / "P")
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert findPatients() == []
