"""Finding the patients in a folder, and what each of them lacks."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from SegMambaCore.batch.assign import assign_patient
from SegMambaCore.batch.dicom_patients import DicomStudy, dicom_studies
from SegMambaCore.batch.file_groups import group_files, names_contrast
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.case.find import is_image_name, series_of_file
from SegMambaCore.case.series import Series
from SegMambaCore.errors import SegMambaError

NOTHING_RECOGNIZED = (
    "No T1, T1Gd, T2 or T2-FLAIR was recognized here. Name the files as in BraTS (-t1n, -t1c, -t2w, -t2f)."
)

_Source = tuple[Path, Series]
"""A file, and what its name says."""


@dataclass(frozen=True)
class _Folder:
    """files: those that lie directly in it. problem: why they cannot be told."""

    path: Path
    files: tuple[Path, ...] = ()
    problem: str = ""


def find_patients(root: Path, skip: Path | None = None) -> list[FoundPatient]:
    """Return everybody below a folder by name, those who lack something too.

    A folder for each patient, at any depth and one below the other for several times; folders with the files
    of many patients, told apart by what their names have in common; DICOM files in any order, also in zips, put
    together by patient and study as their headers say. A subfolder of `root` where nothing was recognized is
    listed as a patient without sources. skip: a folder that is passed over, as the one for the results.

    Raises SegMambaError when there is no such folder, or nobody in it.
    """
    if not root.is_dir():
        problem = "this is a file, not a folder" if root.exists() else "there is no such folder"
        raise SegMambaError(f"{root}: {problem}. Give a folder with patients.")
    patients: list[FoundPatient] = []
    studies: dict[str, list[_Source]] = defaultdict(list)
    others: list[Path] = []
    for folder in _folders(root, None if skip is None else skip.resolve(), set()):
        if folder.problem:
            patients.append(FoundPatient(_name(root, folder.path), {}, folder.problem))
        images = [file for file in folder.files if is_image_name(file.name)]
        if len(images) == 1 and names_contrast(folder.path.name) and folder.path != root:
            # A folder for each contrast, and what the file is called says nothing or the same.
            series = series_of_file(f"{folder.path.name} {images[0].name}")
            studies[str(folder.path.parent)].append((images[0], series))
        elif images:
            patients += _patients_in(root, folder.path, images)
        else:
            others += folder.files
    patients += _patients_of(root, studies.values())
    dicom = dicom_studies(others, root, lambda folder: _name(root, folder))
    patients += [study.patient for study in dicom if study.patient]
    patients += _unrecognized(root, skip, patients, dicom)
    if not any(patient.sources for patient in patients):
        raise SegMambaError(f"{root}: no patient was found. {NOTHING_RECOGNIZED}")
    return _with_distinct_names(sorted(patients, key=lambda patient: patient.name))


def _folders(folder: Path, skip: Path | None, seen: set[Path]) -> Iterator[_Folder]:
    """The folder and all below, links followed, hidden ones left out."""
    real = folder.resolve()
    if real in seen or real == skip:
        return
    seen.add(real)
    try:
        content = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        folders = [path for path in content if path.is_dir()]
        yield _Folder(folder, tuple(path for path in content if path.is_file()))
    except OSError as error:
        yield _Folder(folder, problem=f"The folder cannot be opened ({error.strerror or error}).")
        return
    for path in folders:
        yield from _folders(path, skip, seen)


def _patients_in(root: Path, folder: Path, images: list[Path]) -> Iterator[FoundPatient]:
    groups = group_files(images)
    for beginning, files in groups.items():
        name = _name(root, folder)
        if beginning and (len(groups) > 1 or folder == root):
            name = beginning if folder == root else f"{name}/{beginning}"
        if patient := assign_patient(name, [(file, series_of_file(file.name)) for file in files]):
            yield patient


def _patients_of(root: Path, studies: Iterable[list[_Source]]) -> Iterator[FoundPatient]:
    """The patients whose series have folders of their own; the folder around these names the patient."""
    for study in studies:
        folders = [path.parent for path, _ in study]
        around = Path(os.path.commonpath(folders)) if len(folders) > 1 else folders[0].parent
        around = around if around.is_relative_to(root) else root
        if patient := assign_patient(_name(root, around), study):
            yield patient


def _name(root: Path, folder: Path) -> str:
    if folder.name == "anat" and folder != root and folder.parent != root:
        folder = folder.parent  # BIDS: sub-01/ses-02/anat
    return root.resolve().name if folder == root else folder.relative_to(root).as_posix()


def _unrecognized(
    root: Path, skip: Path | None, patients: list[FoundPatient], dicom: list[DicomStudy]
) -> list[FoundPatient]:
    """The subfolders of the root in which nobody was found: silence would hide a patient."""
    files = [one for patient in patients for one in patient.sources.values() if isinstance(one, Path)]
    if any(file.parent == root for file in files):
        return []  # the patients' files lie in the root itself: its subfolders are something else
    found = {patient.name.split("/")[0] for patient in patients}
    found |= {_top(root, study.folder) for study in dicom if study.patient}
    names = {_top(root, study.folder): study.name.split("/")[0] for study in dicom}
    return [
        FoundPatient(names.get(folder.name, folder.name), {}, NOTHING_RECOGNIZED)
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        and not folder.name.startswith(".")
        and folder.name not in found
        and (skip is None or folder.resolve() != skip.resolve())
    ]


def _top(root: Path, folder: Path) -> str:
    """The subfolder of the root that a folder lies in."""
    return folder.relative_to(root).parts[0] if folder != root else ""


def _with_distinct_names(patients: list[FoundPatient]) -> list[FoundPatient]:
    """Number names that are the same, on a disk that ignores case too: each has a folder of its own."""
    taken: set[str] = set()
    distinct = []
    for patient in patients:
        name, number = patient.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{patient.name} {number}"
        taken.add(name.casefold())
        distinct.append(replace(patient, name=name))
    return distinct
