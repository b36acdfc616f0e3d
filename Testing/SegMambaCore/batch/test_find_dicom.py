"""Patients in trees of DICOM series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from SegMambaCore.batch.find_patients import find_patients
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.dicom.series import DicomSeries

from .dicom_study import write_series

TUMOR_PROTOCOL = {
    "localizer": "localizer",
    "S2": "Ax T1",
    "S3": "AX T1 MPRAGE +C",
    "S4": "t2_tse_tra",
    "S5": "Ax FLAIR",
    "S6": "ep2d_diff_ADC",
}


def _write_study(folder: Path, patient: str, study: str, protocol: dict[str, str] = TUMOR_PROTOCOL) -> None:
    image = sitk.GetImageFromArray(np.arange(8 * 4 * 4).reshape(8, 4, 4))
    for number, (name, description) in enumerate(protocol.items(), 1):
        write_series(folder / name, description, number, image, patient, study)


def dicom(patient: FoundPatient) -> dict[str, DicomSeries]:
    return {role: source for role, source in patient.sources.items() if isinstance(source, DicomSeries)}


def test_patients_studies_and_series(tmp_path: Path) -> None:
    _write_study(tmp_path / "Miller" / "2024-01-05", "M", "1.2.1")
    _write_study(tmp_path / "Miller" / "2024-06-05", "M", "1.2.2")
    _write_study(tmp_path / "Smith", "S", "1.2.3", dict(list(TUMOR_PROTOCOL.items())[:4]))
    _write_study(tmp_path / "Spine", "X", "1.2.4", {"S1": "sag t2 lws"})
    patients = {patient.name: patient for patient in find_patients(tmp_path)}
    assert list(patients) == ["Miller/2024-01-05", "Miller/2024-06-05", "Smith", "Spine"]
    miller = patients["Miller/2024-06-05"]
    assert (miller.problem, miller.patient, miller.time_point) == ("", "Miller", "2024-06-05")
    assert {role: source.place.name for role, source in dicom(miller).items()} == {
        "t1n": "S2",
        "t1c": "S3",
        "t2w": "S4",
        "t2f": "S5",
    }
    assert patients["Smith"].problem == "T2-FLAIR is missing."
    assert not patients["Spine"].sources


def test_two_patients_in_one_folder_stay_apart(tmp_path: Path) -> None:
    """By their headers: the folders say nothing."""
    for patient in ("A", "B"):
        protocol = {f"{patient}{name}": description for name, description in TUMOR_PROTOCOL.items()}
        _write_study(tmp_path / "export", patient, f"1.2.{ord(patient)}", protocol)
    first, second = find_patients(tmp_path)
    assert (first.name, second.name) == ("export", "export 2")
    assert {source.place.name[0] for source in dicom(first).values()} == {"A"}
    assert {source.place.name[0] for source in dicom(second).values()} == {"B"}


def test_two_series_alike_are_not_guessed_between(tmp_path: Path) -> None:
    _write_study(tmp_path / "Miller", "M", "1.2.1", {**TUMOR_PROTOCOL, "S7": "Ax FLAIR"})
    (patient,) = find_patients(tmp_path)
    assert patient.problem == (
        'Several could be T2-FLAIR: series 0e "Ax FLAIR" (8 images), series 0g "Ax FLAIR" (8 images).'
    )
    assert patient.missing == ("t2f",)
