"""What one MRI series shows, by its names and its DICOM header: weighting, contrast agent, kind of image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from SegMambaCore.case.agent import NOT_SAID, AgentFinding, find_agent
from SegMambaCore.case.series import Series
from SegMambaCore.case.series_header import Weighting, unwanted_by_header, weighting_by_header
from SegMambaCore.case.series_words import UNWANTED, Meaning, Word, words_in

Plane = Literal["axial", "coronal", "sagittal"]

_PLANES: dict[Meaning, Plane] = {
    Meaning.AXIAL: "axial",
    Meaning.CORONAL: "coronal",
    Meaning.SAGITTAL: "sagittal",
}
_WEIGHTINGS: dict[Meaning, Weighting] = {Meaning.T1: "T1", Meaning.T2: "T2", Meaning.FLAIR: "FLAIR"}


@dataclass(frozen=True)
class Appearance:
    """What a series shows, as far as names and header say.

    weighting: None where it is none of the three, or contradictory, or not said at all.
    reason: a phrase: why that weighting, or why none.
    could_be: the weightings that were mentioned where there is none.
    is_unwanted: it is known to be something else, a mask for instance.
    is_certain: the weighting is in so many words, rather than worked out.
    agent: whether after contrast agent.
    reformatted, three_dimensional, plane: how it was made; None where unknown.
    """

    weighting: Weighting | None
    reason: str
    could_be: frozenset[Weighting] = frozenset()
    is_unwanted: bool = False
    is_certain: bool = False
    agent: AgentFinding = NOT_SAID
    reformatted: bool = False
    three_dimensional: bool | None = None
    plane: Plane | None = None


def look_at(series: Series) -> Appearance:
    """Return what a series shows. What its name says it is not wanted for counts before all else."""
    texts = [words_in(series.description), words_in(series.name)]
    words = [word for text in texts for word in text]
    meanings = {meaning for word in words for meaning in word.meanings}
    if reason := _why_unwanted(words, meanings) or unwanted_by_header(series):
        return Appearance(None, reason, is_unwanted=True)
    weighting, is_certain, reason = _weighting(series, words)
    if weighting is None:
        return Appearance(None, reason, frozenset(_WEIGHTINGS[m] for m in meanings & _WEIGHTINGS.keys()))
    agent = find_agent(texts, series.has_agent)
    if weighting == "T1" and agent.verdict == "contradictory":
        return Appearance(None, f"{reason}, but {agent.reason}", frozenset({"T1"}))
    planes = meanings & _PLANES.keys()
    return Appearance(
        weighting=weighting,
        reason=reason,
        is_certain=is_certain,
        agent=agent,
        reformatted=Meaning.REFORMATTED in meanings or bool(series.image_type & {"MPR", "REFORMATTED"}),
        three_dimensional=_three_dimensional(series, meanings),
        plane=_PLANES[planes.pop()] if len(planes) == 1 else None,
    )


def _why_unwanted(words: list[Word], meanings: set[Meaning]) -> str | None:
    for word in words:
        if unwanted := [meaning for meaning in word.meanings if meaning in UNWANTED]:
            return f'its name says "{word.written}", {unwanted[0].value}'
    if meanings >= {Meaning.T2, Meaning.GRADIENT_ECHO} and Meaning.T1 not in meanings:
        return "its name says T2 by gradient echo, which is T2*"
    return None


def _weighting(series: Series, words: list[Word]) -> tuple[Weighting | None, bool, str]:
    """Return the weighting, whether it is certain, and why: by the names, else the header, else the protocol."""
    said, is_certain, reason = _weighting_in(words)
    by_header = weighting_by_header(series)
    if said is None and reason:
        if by_header and by_header[0] != "T1" and not any(Meaning.T1 in word.meanings for word in words):
            return by_header[0], False, f"{reason}; {by_header[1]}"
        return None, False, reason
    if said and by_header:
        measured, how = by_header
        if measured == said or (said, measured) == ("FLAIR", "T2"):  # not every header has the inversion time
            return said, True, reason
        if (said, measured) == ("T2", "FLAIR"):  # FLAIR is T2 with inversion, and often called so
            return "FLAIR", False, f"{reason}, but {how}"
        return None, False, f"{reason}, but {how}"
    if said:
        return said, is_certain, reason
    if by_header:
        return by_header[0], False, by_header[1]
    # A protocol's name often stands for the whole session ("Brain w/wo"): it counts only where all else fails.
    said, _, reason = _weighting_in(list(words_in(series.protocol)))
    if said:
        return said, False, reason.replace("its name", "its protocol", 1)
    return None, False, "neither its name nor its header says what it shows"


def _weighting_in(words: list[Word]) -> tuple[Weighting | None, bool, str]:
    """Return the same by words alone; an empty reason where they say nothing."""
    written = {meaning: word.written for word in reversed(words) for meaning in word.meanings}
    t1, t2, flair = (written.get(meaning) for meaning in _WEIGHTINGS)
    density, maybe_t1 = written.get(Meaning.PROTON_DENSITY), written.get(Meaning.T1_MAYBE)
    if t1 and t2:
        return None, False, f'its name says both "{t1}" and "{t2}"'
    if t1 and flair:
        return "T1", True, f'its name says "{t1}" and "{flair}": T1 with dark fluid'
    if t1:
        return "T1", True, f'its name says "{t1}"'
    if flair:
        return "FLAIR", True, f'its name says "{flair}"'
    if t2 and density:
        return None, False, f'its name says both "{t2}" and "{density}"'
    if t2 and Meaning.INVERSION in written:
        if Meaning.THREE_D in written:
            return "FLAIR", False, f'its name says "{t2}" with inversion in 3D, which is FLAIR'
        return None, False, f'its name says "{t2}" with inversion, which is FLAIR or STIR'
    if t2:
        return "T2", True, f'its name says "{t2}"'
    if density:
        return None, False, f'its name says "{density}", proton density'
    if maybe_t1:
        return "T1", False, f'its name says "{maybe_t1}", which is usually T1'
    return None, False, ""


def _three_dimensional(series: Series, meanings: set[Meaning]) -> bool | None:
    if series.three_dimensional is not None:
        return series.three_dimensional
    if Meaning.THREE_D in meanings:
        return True
    return False if Meaning.TWO_D in meanings else None
