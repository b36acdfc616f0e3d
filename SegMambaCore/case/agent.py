"""Whether an MRI series was taken after contrast agent, by the words of its names and its header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from SegMambaCore.case.series_words import Meaning, Word

Verdict = Literal["with", "without", "unknown", "contradictory"]


@dataclass(frozen=True)
class AgentFinding:
    """in_words: the names say so, rather than the header alone; reason: a phrase, empty where unknown."""

    verdict: Verdict
    in_words: bool = False
    reason: str = ""


NOT_SAID = AgentFinding("unknown")


def find_agent(names: Sequence[Sequence[Word]], header_says_so: bool) -> AgentFinding:
    """Return what all names of a series and its header say together.

    names: the words of each; "ohne KM" in one of them is one statement. header_says_so: the header names an
        agent. That the header names none says nothing.
    """
    statements = [statement for words in names for statement in _statements(words)]
    said = {verdict: written for verdict, written in reversed(statements)}
    if "contradictory" in said:
        return AgentFinding("contradictory", True, f'"{said["contradictory"]}" leaves contrast agent open')
    if len(said) == 2:
        reason = f'"{said["without"]}" and "{said["with"]}" contradict each other'
        return AgentFinding("contradictory", True, reason)
    if "without" in said and header_says_so:
        reason = f'it says "{said["without"]}" while its header names a contrast agent'
        return AgentFinding("contradictory", True, reason)
    if said:
        ((verdict, written),) = said.items()
        meaning = "contrast agent" if verdict == "with" else "no contrast agent"
        return AgentFinding(verdict, True, f'"{written}" means {meaning}')
    if header_says_so:
        return AgentFinding("with", False, "its header names a contrast agent")
    return NOT_SAID


def _statements(words: Sequence[Word]) -> list[tuple[Verdict, str]]:
    """Return what one name says, with the words that say so, in their order."""
    found: list[tuple[Verdict, str]] = []
    negator = ""
    pairs = [(meaning, word.written) for word in words for meaning in word.meanings]
    for place, (meaning, written) in enumerate(pairs):
        if meaning is Meaning.BETWEEN:  # "ohne i.v. KM"
            continue
        negated, negator = negator, ""
        if meaning in (Meaning.BOTH, Meaning.UNCLEAR):
            found.append(("contradictory", written))
        elif meaning is Meaning.BEFORE:
            found.append(("without", written))
            negator = written
        elif meaning is Meaning.WITHOUT:
            negator = written
            if place == len(pairs) - 1 and written not in ("no", "non"):
                found.append(("without", written))
        elif meaning is Meaning.AGENT and negated:
            found.append(("without", f"{negated} {written}"))
        elif meaning in (Meaning.AGENT, Meaning.AFTER):
            found.append(("with", written))
    return found
