"""What makes volumes unfit for the models, though each can be read: slices too thick, twice the same, a skull."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.skull import looks_skull_stripped
from SegMambaCore.volume.volume import Grid

THICKEST_SLICE_MM = 4.0
"""The standard protocol for brain tumors in trials allows 2D slices up to this (Ellingson et al., Neuro-Oncology
17, 2015). The models were trained on voxels of 1 mm."""


def thick_slices_mm(grid: Grid) -> float | None:
    """Return the distance between slices in millimetres where it is more than 4 mm, else None."""
    thickness = max(grid.spacing)
    return thickness if thickness > THICKEST_SLICE_MM + 0.01 else None  # headers are rounded


def same_voxels(one: NDArray, other: NDArray) -> bool:
    """Whether two arrays (k, j, i) hold the same values. The first slices tell nearly all others apart."""
    return one.shape == other.shape and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def skull_warnings(case: Case) -> tuple[str, ...]:
    """Return a sentence about the volumes that show more than a brain, if there are any."""
    with_skull = [role for role, volume in case.volumes.items() if not looks_skull_stripped(volume)]
    if not with_skull:
        return ()
    return (
        f"{_titles(with_skull)}: the skull seems not to have been removed. The model knows brains without skull "
        "only. Remove it first and run again.",
    )


def thickness_warnings(case: Case) -> tuple[str, ...]:
    """Return a sentence about the volumes with thick slices, if there are any."""
    thick = {role: mm for role, volume in case.volumes.items() if (mm := thick_slices_mm(volume.grid))}
    if not thick:
        return ()
    return (
        f"{_titles(list(thick))}: thick slices, up to {max(thick.values()):.1f} mm. Small lesions can be missed, and "
        "sizes across the slices are rough.",
    )


def _titles(roles: list[str]) -> str:
    return ", ".join(ROLE_TITLES[role] for role in roles)
