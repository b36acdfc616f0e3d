"""A case with its reference segmentation, whichever data set it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from SegMambaCore.case.case import Case
from SegMambaCore.volume.volume import Volume


@dataclass(frozen=True)
class TrainingCase:
    """labels: uint8, 0 none, 1 NCR, 2 ED, 3 ET, whatever numbers the data set has for them."""

    case: Case
    labels: Volume


class FoundCase(Protocol):
    """A case on a disk, of which only names have been looked at."""

    @property
    def name(self) -> str:
        """What the case is called."""

    @property
    def place(self) -> Path:
        """The folder or file that a person would look into."""

    @property
    def data_set(self) -> str:
        """What the layout is called."""

    def read(self) -> TrainingCase:
        """Read all of it. Raises SegMambaError when a file is missing or unusable, or labels are foreign."""
