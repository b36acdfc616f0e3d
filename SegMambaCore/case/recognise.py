"""Which of several MRI series are a patient's T1, T1Gd, T2 and T2-FLAIR: by names and DICOM headers.

Nothing is guessed: a role that two series could have, and no rule tells which is better, stays empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from SegMambaCore.case.appearance import Appearance, look_at
from SegMambaCore.case.case import ROLE_TITLES, ROLES
from SegMambaCore.case.series import Series
from SegMambaCore.case.series_header import Weighting

Confidence = Literal["sure", "probable"]

_WEIGHTINGS: dict[str, Weighting] = {"t1n": "T1", "t1c": "T1", "t2w": "T2", "t2f": "FLAIR"}
_COUNTERPART = {"t1n": "t1c", "t1c": "t1n"}
_MADE_FROM = "the other is made from it"


@dataclass(frozen=True)
class RoleChoice:
    """What stands for a role.

    index: which of the series, None where the role stays empty.
    confidence: "sure" when names or header say it in so many words and nothing else comes into question;
        "probable" when it was worked out, or chosen among several, so that somebody should look.
    reason: a phrase, for instance 'its name says "t1ce"'.
    candidates: all series that could be it, in the order they were given.
    """

    index: int | None
    confidence: Confidence | None
    reason: str
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    index: int
    name: str
    appearance: Appearance


def assign_roles(series: Sequence[Series]) -> dict[str, RoleChoice]:
    """Return the choice for each of the roles; the order of the series does not matter.

    A T1 is T1Gd when its name says so or its header names a contrast agent, else T1. Where its name says
    nothing, that is sure only when the other of the two is there. T2 and FLAIR may have been taken after
    contrast agent; then they are probable.

    Of several series for one role, one is chosen where, against each of the others, the first of these rules
    that tells them apart speaks for it:
    1. T1 and T1Gd: the name says whether there is contrast agent, rather than nothing of it;
       T2 and FLAIR: without contrast agent rather than with;
    2. as acquired, rather than made from it: reformatted, or named like it with more behind (t1, t1_bias);
    3. acquired in 3D, rather than slice by slice;
    4. axial, rather than coronal or sagittal.
    """
    choices = _assign(series)
    # Initials such as KM or FA at the beginning of all names are no words, and what follows them may be plain. A
    # beginning that does mean something ("Post contrast T1", "Post contrast T2") leaves no four sure roles behind.
    beginning = _common_beginning([one.name for one in series])
    if not beginning or any(one.description for one in series) or _all_sure(choices):
        return choices
    retried = _assign([replace(one, name=one.name[beginning:]) for one in series])
    return retried if _all_sure(retried) else choices


def _all_sure(choices: dict[str, RoleChoice]) -> bool:
    return all(choice.confidence == "sure" for choice in choices.values())


def _assign(series: Sequence[Series]) -> dict[str, RoleChoice]:
    everything = [_Candidate(index, one.name, look_at(one)) for index, one in enumerate(series)]
    candidates = {role: [c for c in everything if _could_be(role, c.appearance)] for role in ROLES}
    choices = {role: _choose(role, candidates[role], everything) for role in ROLES}
    for role, counterpart in _COUNTERPART.items():
        chosen = next((c for c in candidates[role] if c.index == choices[role].index), None)
        if chosen and not chosen.appearance.agent.in_words and not candidates[counterpart]:
            reason = f"{choices[role].reason}; there is no {ROLE_TITLES[counterpart]} to tell it from"
            choices[role] = replace(choices[role], confidence="probable", reason=reason)
    return choices


def _could_be(role: str, appearance: Appearance) -> bool:
    is_after_agent = appearance.agent.verdict == "with"
    return appearance.weighting == _WEIGHTINGS[role] and (
        appearance.weighting != "T1" or is_after_agent == (role == "t1c")
    )


def _choose(role: str, candidates: list[_Candidate], everything: list[_Candidate]) -> RoleChoice:
    indices = tuple(candidate.index for candidate in candidates)
    if not candidates:
        return RoleChoice(None, None, _why_none(role, everything))
    for best in candidates:
        rules = {_why_better(role, best, other) for other in candidates if other is not best}
        if None not in rules:
            return _chosen(role, best, sorted(rule for rule in rules if rule), indices)
    names = ", ".join(sorted(f'"{candidate.name}"' for candidate in candidates))
    return RoleChoice(None, None, f"{len(candidates)} volumes could be it: {names}", indices)


def _chosen(role: str, best: _Candidate, rules: list[str], indices: tuple[int, ...]) -> RoleChoice:
    appearance = best.appearance
    reasons = [appearance.reason]
    if (
        appearance.agent.reason
        and appearance.agent.reason.split('"')[1:2] != appearance.reason.split('"')[1:2]
    ):
        reasons.append(appearance.agent.reason)  # not twice that the name says "t1ce"
    is_unusual = (
        role not in _COUNTERPART and appearance.agent.in_words and appearance.agent.verdict != "without"
    )
    is_sure = appearance.is_certain and not is_unusual and set(rules) <= {_MADE_FROM}
    return RoleChoice(best.index, "sure" if is_sure else "probable", "; ".join(reasons + rules), indices)


def _why_better(role: str, one: _Candidate, other: _Candidate) -> str | None:
    """Return the rule by which one is to be preferred to the other, None where there is none."""
    mine, its = one.appearance, other.appearance
    if role in _COUNTERPART:
        by_agent = (
            mine.agent.in_words,
            its.agent.in_words,
            "the other's name says nothing of contrast agent",
        )
    else:
        by_agent = (mine.agent.verdict != "with", its.agent.verdict != "with", "the other has contrast agent")
    rules: list[tuple[bool | None, bool | None, str]] = [
        by_agent,
        (not mine.reformatted, not its.reformatted, _MADE_FROM),
        (_is_named_after(other, one), _is_named_after(one, other), _MADE_FROM),
        (mine.three_dimensional, its.three_dimensional, "the other is 2D"),
        (_is_axial(mine), _is_axial(its), "the other is not axial"),
    ]
    for for_one, for_other, reason in rules:
        if for_one is not None and for_other is not None and for_one != for_other:
            return reason if for_one else None
    return None


def _is_named_after(one: _Candidate, other: _Candidate) -> bool:
    """Whether one's name is the other's with words behind; a number alone is how programs tell namesakes."""
    rest = one.name[len(other.name) :]
    return (
        one.name.lower().startswith(other.name.lower())
        and not rest[:1].isalnum()
        and any(letter.isalpha() for letter in rest)
    )


def _is_axial(appearance: Appearance) -> bool | None:
    return None if appearance.plane is None else appearance.plane == "axial"


def _why_none(role: str, everything: list[_Candidate]) -> str:
    """Say why nothing stands for a role, with what speaks against the series that come near it."""
    weighting, title = _WEIGHTINGS[role], ROLE_TITLES[role]
    counterparts = sorted(f'"{c.name}"' for c in everything if c.appearance.weighting == weighting)
    unclear = sorted(
        f'"{c.name}": {c.appearance.reason}' for c in everything if weighting in c.appearance.could_be
    )
    if counterparts:  # T1 of the other kind
        lacking = "with" if role == "t1c" else "without"
        unclear.append(f"no T1 is known to be {lacking} contrast agent")
    return "; ".join(unclear) or f"no volume says that it is {title}"


def _common_beginning(names: Sequence[str]) -> int:
    """Return how many characters all of several names begin with, up to a separator."""
    if len(names) < 2:
        return 0
    lowest, highest = min(names), max(names)
    pairs = enumerate(zip(lowest, highest, strict=False))
    length = next((place for place, (a, b) in pairs if a != b), len(lowest))
    while length and lowest[length - 1].isalnum():
        length -= 1
    return length
