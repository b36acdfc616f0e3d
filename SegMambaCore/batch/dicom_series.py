"""What the first file of a folder says about the DICOM series in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from SegMambaCore.case.series import DICOM_TAGS, Series
from SegMambaCore.volume.dicom_folder import is_dicom

_PATIENT_ID, _STUDY = "0010|0020", "0020|000d"


@dataclass(frozen=True)
class DicomSeries:
    """study: the same text for series of one patient's one study, and of no other."""

    folder: Path
    study: str
    series: Series


def look_into(folder: Path, files: Sequence[Path]) -> DicomSeries | None:
    """Return the series whose files lie directly in a folder; None where these are no DICOM files.

    One file is read, so that an archive of thousands is looked through in seconds. That a folder holds two
    series mixed is found when its volume is read.
    """
    first = next((file for file in files if is_dicom(file)), None)
    if first is None:
        return None
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(first))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    attributes = {
        keyword: _value(reader, tag.lower().replace(",", "|")) for keyword, tag in DICOM_TAGS.items()
    }
    # Some tools that hide names empty both: then the folder around the series counts as a study.
    study = f"{_value(reader, _PATIENT_ID)}\n{_value(reader, _STUDY) or folder.parent}"
    # Descriptions name the series for people; folders of archives often have numbers only.
    name = attributes["SeriesDescription"] or folder.name
    return DicomSeries(folder, study, Series.from_dicom(name, attributes))


def _value(reader: sitk.ImageFileReader, tag: str) -> str:
    return str(reader.GetMetaData(tag)).strip() if reader.HasMetaDataKey(tag) else ""
