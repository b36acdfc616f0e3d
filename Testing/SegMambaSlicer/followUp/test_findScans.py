"""Scans are found by patient and in order of their dates."""

from __future__ import annotations

from datetime import date

import pytest
import slicer
from patients import add_patient, add_scan
from SegMambaLib.followUp.findScans import findPatients
from SegMambaLib.result.segmentedVolumes import rememberVolumes


def test_patients_with_their_studies_by_dicom_date() -> None:
    one, other = add_patient("A"), add_patient("B")
    add_scan(one, "Second", 4, "20240620")
    add_scan(one, "First", 5, "20240502")
    add_scan(other, "Only", 5, "20240101")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Something else")
    found = findPatients()
    assert [(patient.name, [scan.name for scan in patient.scans]) for patient in found] == [
        ("A", ["First", "Second"]),
        ("B", ["Only"]),
    ]
    assert [scan.date for scan in found[0].scans] == [date(2024, 5, 2), date(2024, 6, 20)]


def test_the_users_date_counts_and_a_date_in_the_name() -> None:
    patient = add_patient()
    scan = add_scan(patient, "2024-05-02 MR", 4)
    assert scan.date == date(2024, 5, 2)
    scan.setDate(" 20240503 ")
    assert scan.date == date(2024, 5, 3)
    with pytest.raises(ValueError, match="no date"):
        scan.setDate("3.5.24")
    scan.setDate("")
    assert scan.date == date(2024, 5, 2)
    # BraTS 2023: the order is known, the dates are not.
    unknown = add_scan(patient, "BraTS-GLI-00005-001", 4)
    assert unknown.date is None


def test_a_scan_has_the_volumes_of_its_study_and_no_others() -> None:
    patient = add_patient()
    first, second = add_scan(patient, "First", 4), add_scan(patient, "Second", 5)
    assert [volume.GetName() for volume in first.volumes()] == ["First T1Gd", "First FLAIR"]
    assert second.reference.GetName() == "Second T1Gd"


def test_without_a_study_a_scan_has_the_volumes_that_were_segmented() -> None:
    scan = add_scan(0, "First", 4)
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T2")
    assert [volume.GetName() for volume in scan.volumes()] == ["First T1Gd"]
    rememberVolumes(scan.segmentation, {"t1c": scan.reference, "t2w": other})
    assert [volume.GetName() for volume in scan.volumes()] == ["First T1Gd", "T2"]
    slicer.mrmlScene.RemoveNode(other)
    assert [volume.GetName() for volume in scan.volumes()] == ["First T1Gd"]
    (patient,) = findPatients()
    assert patient.name == "Scans without a patient"
