"""Which series of a DICOM study are T1, T1Gd, T2 and T2-FLAIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from SegMambaCore.case.appearance import look_at
from SegMambaCore.case.case import ROLE_TITLES, ROLES
from SegMambaCore.case.one_patient import by_occasion, listed, names_of, what_differs
from SegMambaCore.case.recognise import Confidence, assign_roles
from SegMambaCore.case.series import Series
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError

FEWEST_SLICES = 8
"""Fewer images are a localizer or a fragment; a head takes twenty in the thickest slices."""


@dataclass(frozen=True)
class SeriesChoice:
    """What stands for a role, or why nothing does.

    confidence: None where a person named the series. candidates: the series that could be it.
    unsound: those that could but are no volume, for instance because slices are missing.
    """

    series: DicomSeries | None
    confidence: Confidence | None
    reason: str
    candidates: tuple[DicomSeries, ...] = ()
    unsound: tuple[DicomSeries, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether no series comes into question at all."""
        return self.series is None and not self.candidates and not self.unsound


def as_series(one: DicomSeries) -> Series:
    """Return what `assign_roles` looks at; its messages show the name, which tells nothing of the patient."""
    return Series.from_dicom(one.description or one.name, one.attributes)


def why_not(one: DicomSeries) -> str:
    """Say why a series cannot be one of the four whatever its name says, "" where nothing is against it."""
    if len(one.stack.frames) < FEWEST_SLICES:
        return "too few images for a volume"
    return one.stack.problem


def choose_among(found: Sequence[DicomSeries], named: Mapping[str, DicomSeries]) -> dict[str, SeriesChoice]:
    """Return the choice for each role among series of one patient and day.

    named: the roles for which a person named the series. A series with slices missing, or with too few, is not
    taken; where it would have been, the reason says so.
    """
    sound = [one for one in found if not why_not(one) and one not in named.values()]
    choices = assign_roles([as_series(one) for one in sound])
    result = {}
    for role in ROLES:
        if role in named:
            result[role] = SeriesChoice(named[role], None, "as named", (named[role],))
            continue
        choice = choices[role]
        candidates = tuple(sound[index] for index in choice.candidates)
        if choice.index is None and not candidates:
            unsound = _unsound(role, found)
            reason = "; ".join(f"{one.title}: {one.stack.problem}" for one in unsound) or choice.reason
            result[role] = SeriesChoice(None, None, reason, unsound=unsound)
        elif choice.index is None:
            several = ", ".join(one.title for one in candidates)
            result[role] = SeriesChoice(
                None, None, f"{len(candidates)} series could be it: {several}", candidates
            )
        else:
            result[role] = SeriesChoice(sound[choice.index], choice.confidence, choice.reason, candidates)
    return result


def choose_series(
    found: Sequence[DicomSeries], named: Mapping[str, str], root: Path
) -> dict[str, SeriesChoice]:
    """Return the choice for each role among all series that were found in a folder or zip.

    named: labels of series by role; the day of one of them is taken, else the only day that has one of the four.
    A role without a series has the reason.
    Raises SegMambaError when there is no series of that label, or when series of several patients or days come
    into question; both are named, the patients by letters.
    """
    by_name = {role: _labeled(label, role, found, root) for role, label in named.items()}
    occasions = by_occasion(found)
    if by_name:
        wanted = [one for one in occasions if any(series in one for series in by_name.values())]
    else:
        wanted = [one for one in occasions if any(c.candidates for c in choose_among(one, {}).values())]
    if len(wanted) > 1:
        parts = [
            f"{who}: {listed([one for one in occasion if one in by_name.values()] or _candidates(occasion))}"
            for who, occasion in zip(names_of(wanted), wanted, strict=True)
        ]
        raise SegMambaError(
            f"{root}: series of {what_differs(wanted)}. {'; '.join(parts)}.\n"
            "Give the folder of one patient and one day, or name a series of it: --t1c 5, for instance."
        )
    return choose_among(wanted[0] if wanted else found, by_name)


def what_it_shows(one: DicomSeries) -> str:
    """Say in a few words what a series that stands for no role shows, or why it cannot."""
    appearance = look_at(as_series(one))
    reasons = [why_not(one)] if appearance.weighting else [appearance.reason, why_not(one)]
    return "; ".join(filter(None, reasons)) or appearance.reason


def might_be_anything(one: DicomSeries) -> bool:
    """Whether nothing tells what a volume shows, so that it may be a contrast that seems to be missing."""
    shown = look_at(as_series(one))
    return not why_not(one) and shown.weighting is None and not shown.is_unwanted


def _candidates(occasion: Sequence[DicomSeries]) -> list[DicomSeries]:
    candidates = [one for choice in choose_among(occasion, {}).values() for one in choice.candidates]
    return sorted(candidates, key=occasion.index)


def _labeled(label: str, role: str, found: Sequence[DicomSeries], root: Path) -> DicomSeries:
    alike = [one for one in found if label.lower() in (one.label, one.label.rstrip(ascii_lowercase))]
    if len(alike) == 1:
        return alike[0]
    several = f"{len(alike)} series have that number: {listed(alike)}. " if alike else ""
    raise SegMambaError(
        f"{root}: {ROLE_TITLES[role]}: there is no series {label}. {several}"
        "Give a number from the list that --list-series shows."
    )


def _unsound(role: str, found: Sequence[DicomSeries]) -> tuple[DicomSeries, ...]:
    unsound = [one for one in found if one.stack.problem and len(one.stack.frames) >= FEWEST_SLICES]
    choice = assign_roles([as_series(one) for one in unsound])[role]
    return tuple(unsound[index] for index in choice.candidates)
