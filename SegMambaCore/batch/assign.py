"""From the image files of one patient to the four that are segmented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.case.case import ROLE_TITLES, ROLES
from SegMambaCore.case.recognise import assign_roles
from SegMambaCore.case.series import Series
from SegMambaCore.volume.read import Source


def assign_patient(name: str, series: Sequence[tuple[Path, Series]]) -> FoundPatient | None:
    """Return the patient with a file for each role that `assign_roles` gives one; None if none could be any.

    A role that stays empty is a problem; one that is probable only is noted, for somebody to look at.
    """
    choices = assign_roles([one for _, one in series])
    if not any(choice.candidates for choice in choices.values()):
        return None
    sources: dict[str, Source] = {
        role: series[choices[role].index or 0][0] for role in ROLES if choices[role].index is not None
    }
    missing = [ROLE_TITLES[role] for role in ROLES if not choices[role].candidates]
    unclear = [role for role in ROLES if choices[role].candidates and role not in sources]
    problems = [missing_text(missing)] if missing else []
    for role in unclear:
        several = ", ".join(series[index][0].name for index in choices[role].candidates)
        problems.append(f"Several could be {ROLE_TITLES[role]}: {several}.")
    notes = tuple(
        f"{ROLE_TITLES[role]} is probably {series[choice.index][0].name}: {choice.reason}."
        for role, choice in choices.items()
        if choice.index is not None and choice.confidence == "probable"
    )
    return FoundPatient(name, sources, " ".join(problems), notes)


def missing_text(titles: Sequence[str]) -> str:
    """Return a sentence: these contrasts are missing."""
    listed = " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)
    return f"{listed} {'are' if len(titles) > 1 else 'is'} missing."
