"""Whether DICOM series are of one patient and one day; told without the patient's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError

_MOST_NAMED = 4


def check_one_patient(chosen: Mapping[str, DicomSeries]) -> None:
    """Raise SegMambaError, with the series of each by role, where they are of several patients or days."""
    occasions = by_occasion(list(chosen.values()))
    if len(occasions) > 1:
        titles = {id(series): ROLE_TITLES[role] for role, series in chosen.items()}
        parts = [
            f"{who}: {', '.join(f'{titles[id(one)]} is {one.name}' for one in series)}"
            for who, series in zip(names_of(occasions), occasions, strict=True)
        ]
        raise SegMambaError(
            f"The series are of {what_differs(occasions)}. {'; '.join(parts)}.\n"
            "Give four series of one patient and one day."
        )


def by_occasion(series: Sequence[DicomSeries]) -> list[list[DicomSeries]]:
    """Sort series by patient and day, in the order in which each first occurs."""
    occasions: list[list[DicomSeries]] = []
    for one in series:
        for occasion in occasions:
            if all(one.subject.may_be(s.subject) and one.subject.same_day(s.subject) for s in occasion):
                occasion.append(one)
                break
        else:
            occasions.append([one])
    return occasions


def what_differs(occasions: Sequence[Sequence[DicomSeries]]) -> str:
    """Return "2 patients" or "2 days of one patient"."""
    patients = len(set(_letters(occasions)))
    return f"{patients} patients" if patients > 1 else f"{len(occasions)} days of one patient"


def names_of(occasions: Sequence[Sequence[DicomSeries]]) -> list[str]:
    """Return what to call each: "patient A on 2024-05-02", or "2024-05-02" where all are of one patient."""
    letters = _letters(occasions)
    days = [occasion[0].subject.day for occasion in occasions]
    if len(set(letters)) == 1:
        return days
    return [f"patient {letter}, study of {day}" for letter, day in zip(letters, days, strict=True)]


def listed(series: Sequence[DicomSeries]) -> str:
    """Return the names of the first few series, and how many there are beside."""
    names = ", ".join(one.name for one in series[:_MOST_NAMED])
    others = len(series) - _MOST_NAMED
    return f"{names} and {others} more" if others > 0 else names


def _letters(occasions: Sequence[Sequence[DicomSeries]]) -> list[str]:
    """A, B and so on by patient."""
    patients: list[DicomSeries] = []
    letters = []
    for occasion in occasions:
        subject = occasion[0].subject
        place = next((n for n, one in enumerate(patients) if one.subject.may_be(subject)), len(patients))
        if place == len(patients):
            patients.append(occasion[0])
        letters.append(chr(ord("A") + place))
    return letters
