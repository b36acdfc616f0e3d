"""The DICOM SEG among the results of a case that came as DICOM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.dicom.read_series import is_sheared
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.report.read_report import EarlierRun
from SegMambaCore.segmentation.dicom_seg import Algorithm, NoDicomSegError, why_no_dicom_seg, write_dicom_seg
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.read import Source

DICOM_SEG_FILE = "segmentation.dcm"


def write_dicom_output(
    case: Case, segmentation: Segmentation, algorithm: Algorithm, folder: Path
) -> tuple[str, ...]:
    """Write the SEG where the reference is a DICOM series; return what somebody should know.

    Raises SegMambaError when the disk does not take it. A series that cannot carry a SEG is only told of.
    """
    reference = case.sources.get(case.reference)
    series = {role: one for role, one in case.sources.items() if isinstance(one, DicomSeries)}
    notes = [
        f"{ROLE_TITLES[role]}: the slices of {one.name} are tilted against their stack; they were straightened."
        for role, one in series.items()
        if is_sheared(one)
    ]
    if not isinstance(reference, DicomSeries):
        return tuple(notes)
    if problem := why_no_dicom_seg():
        return (*notes, problem)
    others = [one for role, one in series.items() if role != case.reference]
    try:
        write_dicom_seg(segmentation, reference, folder / DICOM_SEG_FILE, algorithm, others)
    except NoDicomSegError as error:
        notes.append(str(error))
    return tuple(notes)


def dicom_output_is_due(sources: Mapping[str, Source], reference: str, folder: Path, run: EarlierRun) -> bool:
    """Whether an earlier run lacks the SEG that would now be written."""
    if not isinstance(sources.get(reference), DicomSeries) or (folder / DICOM_SEG_FILE).is_file():
        return False
    return not why_no_dicom_seg() and not any(NoDicomSegError.sign in warning for warning in run.warnings)
