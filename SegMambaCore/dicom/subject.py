"""Whose images they are and of which day, in words that name nobody."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_SHORTEST = 3  # a name or number of one or two letters would be found in anything


@dataclass(frozen=True)
class Subject:
    """What a header says of the patient; never shown, only compared.

    name, identifier, birth_date: "" where the header says nothing. study: StudyInstanceUID.
    date: of the study, YYYYMMDD or "".
    """

    name: str
    identifier: str
    birth_date: str
    study: str
    date: str

    def may_be(self, other: Subject) -> bool:
        """Whether both may be the same person: nothing that is known of both differs."""
        pairs = zip(self._person(), other._person(), strict=True)
        return all(mine == its for mine, its in pairs if mine and its)

    def same_day(self, other: Subject) -> bool:
        """Whether both are of one study, or of one day; unknown days are taken for the same."""
        return self.study == other.study or not self.date or not other.date or self.date == other.date

    @property
    def day(self) -> str:
        """The date as 2024-05-02, or "without a date"."""
        if not re.fullmatch(r"\d{8}", self.date):
            return "without a date"
        return f"{self.date[:4]}-{self.date[4:6]}-{self.date[6:]}"

    def hidden_in(self, text: str, by: str = "[hidden]") -> str:
        """Return a text without the words of the patient's name and identifier: people type them anywhere.

        A pseudonym, which is a name without a word of letters alone, hides nothing and is not hidden.
        """
        names = [word for word in re.split(r"[\s^=,.]+", self.name) if _is_a_name(word)]
        if not names:
            return text
        numbers = [part for part in re.split(r"[\W_]+", self.identifier) if len(part) > _SHORTEST]
        whole_identifier = [self.identifier] if len(self.identifier) >= _SHORTEST else []
        words = sorted({*names, *numbers, *whole_identifier}, key=len, reverse=True)
        word = rf"(?:{'|'.join(map(re.escape, words))})"
        # A letter or digit beside makes it another word; an underscore does not.
        whole = rf"(?<![^\W_]){word}(?:[\W_]*{word})*(?![^\W_])"
        return re.sub(whole, lambda _: by, text, flags=re.IGNORECASE)

    @property
    def pseudonym(self) -> str:
        """A name for the patient that stays the same and tells nothing."""
        return f"patient-{hashlib.sha256(repr(self._person()).encode()).hexdigest()[:6]}"

    def _person(self) -> tuple[str, str, str]:
        return " ".join(re.split(r"[\s^=,]+", self.name.casefold())).strip(), self.identifier, self.birth_date


def _is_a_name(word: str) -> bool:
    return not any(letter.isdigit() for letter in word) and (len(word) >= _SHORTEST or not word.isascii())
