"""Patients in DICOM files, put together by what their headers say."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from SegMambaCore.batch.assign import missing_text
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.case.choose_series import choose_among
from SegMambaCore.dicom.file import DicomFile, is_dicom_file, is_zip
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError

_AGAIN = "Export the study again."


@dataclass(frozen=True)
class DicomStudy:
    """folder: the one around its series. name: what the folder is called, without the patient's name.

    patient: None where none of the four contrasts was recognized.
    """

    folder: Path
    name: str
    patient: FoundPatient | None


def dicom_studies(files: Sequence[Path], root: Path, name_of: Callable[[Path], str]) -> list[DicomStudy]:
    """Return the studies that DICOM files and zips among these hold.

    name_of: what to call the patient whose files lie below a folder.
    A study with a damaged file among the others, and one whose zip is damaged, has that problem.
    """
    if not any(is_zip(file) or is_dicom_file(file) for file in files):
        return []
    # pydicom takes a while to import.
    from SegMambaCore.dicom.find_series import FoundSeries, look_through

    def problem(place: Path, error: SegMambaError) -> DicomStudy:
        name = name_of(place)
        return DicomStudy(place, name, FoundPatient(name, {}, str(error)))

    zips = [file for file in files if is_zip(file)]
    unpacked = [file for file in files if file not in set(zips)]
    studies: list[DicomStudy] = []
    for part in [*([one] for one in zips), unpacked]:
        found = FoundSeries([], [])
        try:
            found = look_through(part, root)
        except SegMambaError as error:
            studies.append(problem(root if part is unpacked else _outside(part[0]), error))
        studies += _studies(found.series, found.damaged, name_of)
    return studies


def _studies(
    series: Sequence[DicomSeries], damaged: Sequence[DicomFile], name_of: Callable[[Path], str]
) -> Iterator[DicomStudy]:
    from SegMambaCore.dicom.find_series import labeled

    studies: dict[tuple[str, ...], list[DicomSeries]] = defaultdict(list)
    for one in series:
        subject = one.subject
        # Some tools that hide names empty all of these: then the folder around the series counts as a study.
        number = subject.study or str(one.place.parent)
        studies[subject.identifier or subject.name, number].append(one)
    told: set[Path] = set()
    for study in studies.values():
        folders = {folder for one in study for folder in _folders(one)}
        spoiled = [file.path for file in damaged if folders & {file.path.parent, file.path}]
        told |= set(spoiled)
        around = _around(study)
        name = study[0].subject.hidden_in(name_of(around), by=study[0].subject.pseudonym)
        patient = _patient(name, labeled((one.stack for one in study), study[0].root))
        if patient and spoiled:
            patient = replace(patient, problem=f"{len(spoiled)} of its DICOM files are damaged. {_AGAIN}")
        yield DicomStudy(around, name, patient)
    for folder in sorted({_outside(file.path) for file in damaged if file.path not in told}):
        name = name_of(folder)
        yield DicomStudy(folder, name, FoundPatient(name, {}, f"Its DICOM files are damaged. {_AGAIN}"))


def _patient(name: str, study: Sequence[DicomSeries]) -> FoundPatient | None:
    choices = choose_among(study, {})
    missing = [role for role, choice in choices.items() if choice.series is None and not choice.candidates]
    if len(missing) == len(choices) and not any(choices[role].unsound for role in missing):
        return None
    problems = [f"{ROLE_TITLES[role]}: {choices[role].reason}." for role in missing if choices[role].unsound]
    if absent := [ROLE_TITLES[role] for role in missing if not choices[role].unsound]:
        problems.insert(0, missing_text(absent))
    for role, choice in choices.items():
        if choice.series is None and choice.candidates:
            several = ", ".join(one.title for one in choice.candidates)
            problems.append(f"Several could be {ROLE_TITLES[role]}: {several}.")
    return FoundPatient(
        name,
        {role: choice.series for role, choice in choices.items() if choice.series is not None},
        " ".join(problems),
        tuple(
            f"{ROLE_TITLES[role]} is probably {choice.series.title}: {choice.reason}."
            for role, choice in choices.items()
            if choice.series is not None and choice.confidence == "probable"
        ),
    )


def _around(study: Sequence[DicomSeries]) -> Path:
    """The folder of the patient, whose series have folders of their own; or the zip's name."""
    places = [one.place for one in study]
    if zips := [place for place in places if is_zip(place)]:
        return _outside(zips[0])
    return Path(os.path.commonpath(places)) if len(set(places)) > 1 else _parent_of_one(study)


def _parent_of_one(study: Sequence[DicomSeries]) -> Path:
    place = study[0].place
    return place.parent if len(study) == 1 and place != study[0].root else place


def _folders(one: DicomSeries) -> set[Path]:
    return {file.path if file.members else file.path.parent for file in one.files}


def _outside(path: Path) -> Path:
    return path.with_suffix("") if is_zip(path) else path.parent
