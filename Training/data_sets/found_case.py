"""A case with its reference segmentation, whichever data set it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from SegMambaCore.case.case import Case
from SegMambaCore.volume.volume import Volume


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

    def sources(self) -> dict[str, Path]:
        """Return the file of each role. Raises SegMambaError when one is missing, or several could be it."""

    def read_scans(self) -> Case:
        """Read the four contrasts. Raises SegMambaError when a file is missing or unusable."""

    def read_labels(self) -> Volume:
        """Read the segmentation: uint8, 0 none, 1 NCR, 2 ED, 3 ET, whatever numbers the data set has for them.

        Raises SegMambaError when it is missing or unusable, or holds labels that the data set does not know.
        """
