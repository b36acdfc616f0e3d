"""The four contrasts of a case."""

from __future__ import annotations

ROLES = ("t1n", "t1c", "t2w", "t2f")
"""T1, T1Gd, T2 and T2-FLAIR, as the command calls them."""

REFERENCE_ROLE = "t1c"
"""The volume on whose voxels the segments will lie."""


def roleTitle(role: str) -> str:
    """Return what a radiologist calls the contrast."""
    return {"t1n": "T1", "t1c": "T1Gd", "t2w": "T2", "t2f": "T2-FLAIR"}[role]
