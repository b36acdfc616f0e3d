"""The four contrasts of a case."""

from __future__ import annotations

from collections.abc import Mapping

ROLES = ("t1n", "t1c", "t2w", "t2f")
"""T1, T1Gd, T2 and T2-FLAIR, as the command calls them."""

REFERENCE_ROLE = "t1c"
"""The volume on whose voxels the segments will lie, where it is there."""

FEWEST_CONTRASTS = 2
"""The network wants four; with fewer than two there is nothing to compare."""

_REFERENCES = (REFERENCE_ROLE, "t1n", "t2f", "t2w")


def referenceRole(volumes: Mapping[str, object | None]) -> str:
    """Return the role on whose voxels the segments will lie, as the command does; one volume at least is there."""
    return next(role for role in _REFERENCES if volumes.get(role) is not None)


def missingRoles(volumes: Mapping[str, object | None]) -> list[str]:
    """Return the roles without a volume, in the order of ROLES."""
    return [role for role in ROLES if volumes.get(role) is None]


def roleTitle(role: str) -> str:
    """Return what a radiologist calls the contrast."""
    return {"t1n": "T1", "t1c": "T1Gd", "t2w": "T2", "t2f": "T2-FLAIR"}[role]
