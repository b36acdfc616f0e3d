"""A volume as the classic DICOM series of a scanner: a slice a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from SegMambaCore import __version__
from SegMambaCore.volume.convert import lps_geometry
from SegMambaCore.volume.volume import Volume


@dataclass(frozen=True)
class Study:
    """Whose study it is, and when. date: YYYYMMDD."""

    patient_name: str = "Synthetic^Sample"
    patient_id: str = "SEGMAMBA-SAMPLE"
    date: str = "20240502"
    number: str = "1"

    @property
    def uid(self) -> str:
        """The same for the same study."""
        return self.uid_of("study")

    def uid_of(self, *what: object) -> str:
        """A unique identifier for a part of the study."""
        return str(generate_uid(entropy_srcs=[self.patient_id, self.date, self.number, *map(str, what)]))


@dataclass(frozen=True)
class SeriesHeader:
    """attributes: what else stands in each file, by keyword."""

    number: int
    description: str
    attributes: dict[str, Any] = field(default_factory=dict)


def make_slices(volume: Volume, header: SeriesHeader, study: Study) -> list[FileDataset]:
    """Return a dataset for each slice of a volume with integer values, in the order of the array."""
    origin, spacing, direction = lps_geometry(volume.grid)
    axes = np.reshape(direction, (3, 3))
    datasets = []
    for k, pixels in enumerate(volume.array.astype(np.int16)):
        position = np.array(origin) + k * spacing[2] * axes[:, 2]
        one = _common(header, study, study.uid_of(header.number, k))
        one.InstanceNumber = k + 1
        one.ImagePositionPatient = [f"{value:.10g}" for value in position]
        one.ImageOrientationPatient = [f"{value:.10g}" for value in (*axes[:, 0], *axes[:, 1])]
        one.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
        one.SliceThickness = one.SpacingBetweenSlices = f"{spacing[2]:.10g}"
        one.Rows, one.Columns = pixels.shape
        one.PixelData = pixels.tobytes()
        for keyword, value in header.attributes.items():
            setattr(one, keyword, value)
        datasets.append(one)
    return datasets


def write_series(volume: Volume, header: SeriesHeader, study: Study, folder: Path) -> Path:
    """Write the slices of a volume into a folder, named as scanners do, without extension."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(make_slices(volume, header, study)):
        one.save_as(folder / f"IM{number:06}", enforce_file_format=True)
    return folder


def _common(header: SeriesHeader, study: Study, instance: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    values: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": instance,
        "PatientName": study.patient_name,
        "PatientID": study.patient_id,
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyInstanceUID": study.uid,
        "StudyDate": study.date,
        "StudyTime": "101500",
        "StudyID": study.number,
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "SeriesInstanceUID": study.uid_of(header.number),
        "SeriesNumber": header.number,
        "SeriesDescription": header.description,
        "Modality": "MR",
        "BodyPartExamined": "BRAIN",
        "PatientPosition": "HFS",
        "FrameOfReferenceUID": study.uid_of("frame of reference"),
        "PositionReferenceIndicator": "",
        "Manufacturer": "SegMamba",
        "ManufacturerModelName": "synthetic sample",
        "SoftwareVersions": __version__,
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "ScanningSequence": "SE",
        "SequenceVariant": "NONE",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "EchoTrainLength": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
    }
    for keyword, value in values.items():
        setattr(one, keyword, value)
    return one
