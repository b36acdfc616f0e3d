"""slicer.dicomDatabase and DICOMLib.DICOMUtils without files: what SegMamba calls, as Slicer's sources have it."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from typing import Any

import pytest
import slicer
from brains import add_brain, put_into_study

TAGS = {
    "SeriesDescription": "0008,103E",
    "Modality": "0008,0060",
    "ContrastBolusAgent": "0018,0010",
    "EchoTime": "0018,0081",
    "RepetitionTime": "0018,0080",
    "InversionTime": "0018,0082",
}


class DicomDatabase:
    """One file and one instance a series; patients by series."""

    def __init__(self, series: list[Mapping[str, str]]) -> None:
        """series: attributes by keyword, with Patient and StudyDate where they differ."""
        self._series = {f"1.2.{number}": attributes for number, attributes in enumerate(series)}
        self.isOpen = True

    def patients(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.get("Patient", "7") for one in self._series.values()))

    def studiesForPatient(self, patient: str) -> tuple[str, ...]:
        found = (one for one in self._series.values() if one.get("Patient", "7") == patient)
        return tuple(dict.fromkeys(patient + "/" + one.get("StudyDate", "20260101") for one in found))

    def seriesForStudy(self, study: str) -> tuple[str, ...]:
        return tuple(
            series
            for series, one in self._series.items()
            if f"{one.get('Patient', '7')}/{one.get('StudyDate', '20260101')}" == study
        )

    def filesForSeries(self, series: str, count: int = -1) -> tuple[str, ...]:
        return (f"/dicom/{series}.dcm",) if series in self._series else ()

    def fileForInstance(self, instance: str) -> str:
        series = instance.removesuffix(".1")
        return f"/dicom/{series}.dcm" if series in self._series else ""

    def fileValue(self, path: str, tag: str) -> str:
        attributes = self._series[path.removeprefix("/dicom/").removesuffix(".dcm")]
        return next((attributes.get(keyword, "") for keyword, known in TAGS.items() if known == tag), "")

    def load(self, series: str) -> slicer.vtkMRMLScalarVolumeNode:
        """Add the node that DICOMScalarVolumePlugin would: named by number and description, with its instances."""
        attributes = self._series[series]
        number = int(series.rpartition(".")[2])
        volume = add_brain(f"{number}: {attributes['SeriesDescription']}", number)
        volume.SetAttribute("DICOM.instanceUIDs", f"{series}.1")
        put_into_study(volume, attributes.get("Patient", "7"), attributes.get("StudyDate", "20260101"))
        return volume


def install(monkeypatch: pytest.MonkeyPatch, inFolder: list[Mapping[str, str]]) -> list[str]:
    """Let DICOMLib import these series from whatever folder; return the list that is told of what was loaded."""
    loaded: list[str] = []
    own = DicomDatabase([])
    monkeypatch.setattr(slicer, "dicomDatabase", own, raising=False)

    class TemporaryDICOMDatabase:
        def __init__(self, directory: str) -> None:
            self.directory = directory

        def __enter__(self) -> DicomDatabase:
            slicer.dicomDatabase = DicomDatabase([])
            return slicer.dicomDatabase

        def __exit__(self, *error: Any) -> None:
            slicer.dicomDatabase = own

    def importDicom(folder: str, database: DicomDatabase) -> bool:
        database.__init__(inFolder)
        return True

    def loadSeriesByUID(series: list[str]) -> list[str]:
        loaded.extend(series)
        return [slicer.dicomDatabase.load(one).GetID() for one in series]

    package, utilities = types.ModuleType("DICOMLib"), types.ModuleType("DICOMLib.DICOMUtils")
    utilities.TemporaryDICOMDatabase = TemporaryDICOMDatabase
    utilities.importDicom = importDicom
    utilities.loadSeriesByUID = loadSeriesByUID
    package.DICOMUtils = utilities
    monkeypatch.setitem(sys.modules, "DICOMLib", package)
    return loaded
