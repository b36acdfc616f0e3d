"""One patient at one time, as found on a disk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from SegMambaCore.case.case import ROLES
from SegMambaCore.volume.read import Source

# The last part of a name that tells a time point: BraTS 2023's "-001", a date, or a word with a number.
_TIME_POINT = re.compile(
    r"^(?P<patient>.*?)[-_/ ]"
    r"(?P<time>(?<=-)\d{3}|(19|20)\d{2}[-_.]?[01]\d[-_.]?[0-3]\d"
    r"|(tp|time|timepoint|ses|session|visit|scan|week|month|followup|fu)[-_ ]?\d+|baseline|followup)$",
    re.IGNORECASE,
)
_BRATS_2023 = re.compile(r"BraTS-[A-Za-z]+-\d{5}-\d{3}$")


@dataclass(frozen=True)
class FoundPatient:
    """What there is of one patient at one time.

    name: unique within a batch, parts divided by "/"; also the folder of the results.
    sources: a file or DICOM series for each role that was found.
    problem: one line that says why the patient cannot be segmented; empty when nothing is known against it.
    notes: sentences about sources that are only probably the right ones.
    """

    name: str
    sources: dict[str, Source]
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles without a source, in the order of `ROLES`."""
        return tuple(role for role in ROLES if role not in self.sources)

    @property
    def patient(self) -> str:
        """The name without its time point."""
        return self._divided()[0]

    @property
    def time_point(self) -> str:
        """The part of the name that tells when, "001" or "2024-03-01"; empty where there is none."""
        return self._divided()[1]

    def _divided(self) -> tuple[str, str]:
        match = _TIME_POINT.match(self.name)
        if match is None or (re.fullmatch(r"\d{3}", match["time"]) and not _BRATS_2023.search(self.name)):
            return self.name, ""
        return match["patient"], match["time"]
