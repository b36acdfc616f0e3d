"""From what was given on the command line to a source for each contrast."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SegMambaCore.case.case import FEWEST_CONTRASTS, ROLE_TITLES, ROLES
from SegMambaCore.case.choose_series import SeriesChoice, choose_series, might_be_anything, what_it_shows
from SegMambaCore.case.find import find_case_files, image_files
from SegMambaCore.command.series_rows import SeriesRow
from SegMambaCore.dicom.file import is_zip
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import Source


@dataclass(frozen=True)
class Inputs:
    """sources: by role. chosen: the series of a DICOM study. notes: what somebody should look at."""

    sources: dict[str, Source]
    chosen: tuple[SeriesRow, ...] = ()
    notes: tuple[str, ...] = ()


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder and the four roles."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="CASE",
        help="folder of one BraTS case, or folder or zip of one DICOM study, instead of the four files",
    )
    for role in ROLES:
        parser.add_argument(
            f"--{role}",
            metavar="FILE|SERIES",
            help=f"{ROLE_TITLES[role]} volume; with a DICOM study, the number of its series",
        )


def check_inputs(args: argparse.Namespace) -> None:
    """End the program with a usage error where neither a case nor at least two files are given."""
    if args.folder is None and len(_named(args)) < FEWEST_CONTRASTS:
        names = ", ".join(f"--{role}" for role in ROLES)
        args.usage_error(f"give a folder, or the files of at least two contrasts, better all four: {names}")


def find_inputs(args: argparse.Namespace) -> Inputs:
    """Return a source for each role; some may be missing, of at least two there is one.

    Raises SegMambaError when one is not there or not clear.
    """
    if args.folder is None:
        files = {role: Path(name) for role, name in _named(args).items()}
        for role, path in files.items():
            if not path.exists():
                raise SegMambaError(f"{ROLE_TITLES[role]}: {path}: there is no such file. Check the name.")
        return Inputs(dict(files))
    named = _named(args)
    root = study_root(args.folder)
    if root is None or not (found := find_study(root)):
        if named:
            args.usage_error("give a folder or the four files, not both")
        return Inputs(dict(find_case_files(args.folder)))
    choices = choose_series(found, named, root)
    missing = _missing(choices, found)
    if unclear := [role for role in ROLES if choices[role].series is None and role not in missing]:
        reasons = "; ".join(f"{ROLE_TITLES[role]}: {choices[role].reason}" for role in unclear)
        raise SegMambaError(
            f"{root}: not every contrast was found among {len(found)} series. {reasons}.\n"
            f"Name the series: --{unclear[0]} 5, for instance. --list-series shows all of them."
        )
    chosen = {role: choice.series for role, choice in choices.items() if choice.series is not None}
    rows = tuple(row for row in series_rows(list(chosen.values()), choices) if row.role)
    notes = tuple(
        f"{ROLE_TITLES[role]} is probably {chosen[role].title}: {choice.reason}."
        for role, choice in choices.items()
        if choice.confidence == "probable"
    )
    notes += tuple(f"{ROLE_TITLES[role]}: {choices[role].reason}." for role in missing)
    return Inputs(dict(chosen), rows, notes)


def _missing(choices: Mapping[str, SeriesChoice], found: Sequence[DicomSeries]) -> list[str]:
    """The roles that a study does not have beyond doubt, where it has enough others."""
    missing = [role for role, choice in choices.items() if choice.is_missing]
    taken = [choice.series for choice in choices.values()]
    if any(might_be_anything(one) for one in found if one not in taken):
        return []
    return missing if len(ROLES) - len(missing) >= FEWEST_CONTRASTS else []


def study_root(given: Path) -> Path | None:
    """Return the folder or zip to look for DICOM series in; None where there are image files of another kind."""
    if given.name.upper() == "DICOMDIR" and given.is_file():
        return given.parent
    if is_zip(given) or (given.is_dir() and not image_files(given)):
        return given
    return None


def find_study(root: Path) -> list[DicomSeries]:
    """Return the series in a folder or zip."""
    # pydicom takes a while to import.
    from SegMambaCore.dicom.find_series import find_series

    found = find_series(root)
    if not found and is_zip(root):
        raise SegMambaError(f"{root}: there is no DICOM series in this zip. Give the zip of one study.")
    return found


def list_study(args: argparse.Namespace) -> list[SeriesRow]:
    """Return all series of the study that was given, with the roles they would have.

    Raises SegMambaError when there is no DICOM series.
    """
    root = None if args.folder is None else study_root(args.folder)
    found = find_study(root) if root else []
    if root is None or not found:
        raise SegMambaError(
            f"{args.folder}: there is no DICOM series to list. Give the folder or zip of a study."
        )
    return series_rows(found, choose_series(found, _named(args), root))


def series_rows(found: Sequence[DicomSeries], choices: Mapping[str, SeriesChoice]) -> list[SeriesRow]:
    """Return a row for each series."""
    rows = []
    for one in found:
        role = next((role for role, choice in choices.items() if choice.series == one), None)
        affine = one.stack.affine
        spacing = None if affine is None else np.linalg.norm(affine[:3, :3], axis=0).tolist()
        rows.append(
            SeriesRow(
                number=one.label,
                day=one.subject.day,
                description=one.description,
                size=(*one.stack.frames[0].size[::-1], len(one.stack.frames)),
                spacing_mm=None if spacing is None else (spacing[0], spacing[1], spacing[2]),
                role=ROLE_TITLES[role] if role else "",
                reason=_why(choices[role]) if role else _why_no_role(one, choices),
            )
        )
    return rows


def _named(args: argparse.Namespace) -> dict[str, str]:
    return {role: getattr(args, role) for role in ROLES if getattr(args, role) is not None}


def _why(choice: SeriesChoice) -> str:
    return f"{choice.confidence}, {choice.reason}" if choice.confidence else choice.reason


def _why_no_role(one: DicomSeries, choices: Mapping[str, SeriesChoice]) -> str:
    for role, choice in choices.items():
        if one in choice.candidates:
            other = f"; {choice.series.name} is" if choice.series else ""
            return f"could be {ROLE_TITLES[role]}{other}"
    return what_it_shows(one)
