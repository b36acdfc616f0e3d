"""The contrasts of one patient at one time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from SegMambaCore.volume.volume import Volume

if TYPE_CHECKING:  # the names of the roles are wanted where nothing is read
    from SegMambaCore.volume.read import Source

ROLES = ("t1n", "t1c", "t2w", "t2f")
"""T1, T1 with gadolinium, T2, T2-FLAIR, by the names of BraTS 2023."""

FEWEST_CONTRASTS = 2
"""With fewer there is nothing to compare."""

ROLE_TITLES = {"t1n": "T1", "t1c": "T1Gd", "t2w": "T2", "t2f": "T2-FLAIR"}


@dataclass(frozen=True)
class Case:
    """The input of one segmentation: a volume for each role that was given, each on a grid of its own.

    reference: the role whose grid the result is given on.
    sources: the file or DICOM series each volume was read from; empty for volumes made in memory.
    hashes: the SHA-256 of each source, in hexadecimal digits; empty likewise.
    """

    volumes: dict[str, Volume]
    reference: str = "t1c"
    sources: dict[str, Source] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles that were not given, in the order of ROLES."""
        return tuple(role for role in ROLES if role not in self.volumes)

    @property
    def reference_volume(self) -> Volume:
        """The volume that the segmentation will lie on."""
        return self.volumes[self.reference]
