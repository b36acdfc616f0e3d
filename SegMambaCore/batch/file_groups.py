"""Which of the image files in one folder belong to the same patient."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from SegMambaCore.case.series_words import Meaning, words_in

_WEIGHTINGS = {Meaning.T1, Meaning.T1_MAYBE, Meaning.T2, Meaning.FLAIR}


def group_files(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the files of each patient by what their names have in common before the contrast.

    "A_t1.nii" and "A_ax_flair.nii" are A's. Where no two names agree, or all do, the folder is one patient's,
    and all its images, whatever their names, stand under the beginning that all share, else under "".
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        beginning = _beginning(file.name)
        if beginning is not None:
            groups[beginning].append(file)
    if len(groups) > 1 and any(len(group) > 1 for group in groups.values()):
        return dict(sorted(groups.items()))
    return {next(iter(groups)) if len(groups) == 1 else "": list(files)} if files else {}


def names_contrast(name: str) -> bool:
    """Return whether a name says T1, T2 or FLAIR."""
    return _beginning(name) is not None


def _beginning(name: str) -> str | None:
    """Return the name up to its contrast without what describes the series; None if it has no contrast."""
    parts = re.split(r"([-_. ]+)", name)  # words at even places
    meanings = [_meanings(part) for part in parts]
    place = next((place for place, found in enumerate(meanings) if found & _WEIGHTINGS), None)
    if place is None:
        return None
    while place and (meanings[place - 1] or not parts[place - 1].strip("-_. ")):
        place -= 1
    return "".join(parts[:place])


def _meanings(part: str) -> set[Meaning]:
    return {meaning for word in words_in(part) for meaning in word.meanings}
