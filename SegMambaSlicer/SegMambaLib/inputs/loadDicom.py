"""Loading a patient's DICOM folder, without a trace in the user's DICOM database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..core import makeCoreImportable
from .volumeSeries import headerOfFile, rememberHeader


def loadDicomFolder(
    folder: Path, mostVolumes: int, onProgress: Callable[[str], None]
) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Load the series that could be one of the four contrasts, by their headers, and return their nodes.

    The folder is read at any depth into a database of its own, which goes away afterwards; the nodes keep what
    `seriesOfVolume` needs.
    Raises ValueError when there is no such series, or more than mostVolumes, or several patients; RuntimeError
    when this Slicer has no DICOM.
    """
    return _load(folder, lambda database: _wantedSeries(database, folder, mostVolumes), onProgress)


def loadDicomSeries(folder: Path, uid: str) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Load one series of a folder, and return its nodes: several where it holds several volumes.

    Raises ValueError when it is not there, RuntimeError when this Slicer has no DICOM.
    """
    if folder.is_file():
        raise ValueError(_("{path} is a zip. Unpack it, and load the folder.").format(path=folder))

    def wanted(database: Any) -> list[str]:
        if not database.filesForSeries(uid):
            raise ValueError(
                _("{folder} no longer holds the series that was segmented.").format(folder=folder)
            )
        return [uid]

    return _load(folder, wanted, lambda line: None)


def _load(
    folder: Path, choose: Callable[[Any], list[str]], onProgress: Callable[[str], None]
) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Load the series that `choose` picks from the database of a folder."""
    try:
        from DICOMLib import DICOMUtils
    except ImportError as error:
        raise RuntimeError(_("This Slicer was built without DICOM: load the volumes as files.")) from error

    temporary = tempfile.mkdtemp(prefix="SegMambaDICOM", dir=slicer.app.temporaryPath)
    try:
        with DICOMUtils.TemporaryDICOMDatabase(temporary) as database:
            onProgress(_("Reading DICOM headers"))
            DICOMUtils.importDicom(str(folder), database)
            wanted = choose(database)
            nodes = []
            for number, series in enumerate(wanted, start=1):
                onProgress(_("Loading {number} of {count}").format(number=number, count=len(wanted)))
                nodes += _loadSeries(DICOMUtils, series)
            return nodes
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # Windows can hold the database's file a little longer


def _wantedSeries(database: Any, folder: Path, mostVolumes: int) -> list[str]:
    """Return the identifiers of the series that could have one of the roles."""
    patients = database.patients()
    if len(patients) > 1:
        raise ValueError(
            _("{folder} holds {count} patients. Give the folder of one.").format(
                folder=folder, count=len(patients)
            )
        )
    identifiers = [
        series
        for patient in patients
        for study in database.studiesForPatient(patient)
        for series in database.seriesForStudy(study)
    ]
    if not identifiers:
        raise ValueError(_("{folder} holds neither image files nor DICOM.").format(folder=folder))
    wanted = [identifiers[index] for index in _candidates(database, identifiers)]
    if not wanted:
        raise ValueError(
            _(
                "{folder} holds {count} DICOM series, of which none says that it is T1, T1Gd, T2 or T2-FLAIR. "
                "Load the volumes in the DICOM module and select them here."
            ).format(folder=folder, count=len(identifiers))
        )
    if len(wanted) > mostVolumes:
        raise ValueError(
            _("{folder} holds {count} series that could be the four. Give the folder of one study.").format(
                folder=folder, count=len(wanted)
            )
        )
    return wanted


def _candidates(database: Any, identifiers: list[str]) -> list[int]:
    makeCoreImportable()
    from SegMambaCore.case.recognise import assign_roles
    from SegMambaCore.case.series import DICOM_TAGS, Series

    headers = [headerOfFile(database.filesForSeries(series)[0], DICOM_TAGS) for series in identifiers]
    choices = assign_roles([Series.from_dicom(header["SeriesDescription"], header) for header in headers])
    return sorted({index for choice in choices.values() for index in choice.candidates})


def _loadSeries(dicomUtils: Any, series: str) -> list[slicer.vtkMRMLScalarVolumeNode]:
    nodes = [slicer.mrmlScene.GetNodeByID(identifier) for identifier in dicomUtils.loadSeriesByUID([series])]
    volumes = [node for node in nodes if node is not None and node.IsA("vtkMRMLScalarVolumeNode")]
    for volume in volumes:
        rememberHeader(volume)
    return volumes
