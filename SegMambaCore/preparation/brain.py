"""Where the brain is: found in three contrasts that vote, each looked at whether it can be one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.skull import background_value, looks_skull_stripped
from SegMambaCore.errors import SegMambaError
from SegMambaCore.preparation.deepbet_brain import find_brain_by_network
from SegMambaCore.preparation.plausible import why_no_brain
from SegMambaCore.preparation.preparation import Brain
from SegMambaCore.volume.resample import grid_at_spacing, resample, to_orientation
from SegMambaCore.volume.volume import Volume

VOTERS = ("t1n", "t1c", "t2f")
"""One contrast errs where the others do not: T1Gd at enhancing meninges, FLAIR at dark fluid, T1 in thick slices."""

_SPACING_MM = (1.0, 1.0, 1.0)


def find_brain(
    case: Case, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Brain | None, tuple[str, ...]]:
    """Return the brain, in the reference's world, and warnings.

    case: the volumes lie on each other. None where none of them shows a skull. Where some do, the brain of
    one that does not is everybody's. Else it is looked for in T1, T1Gd and T2-FLAIR; what cannot be a brain is
    dropped, and a voxel is brain where more than half of the others say so. Where none is left, T2 is tried.
    on_progress: contrasts looked at, and all.

    Raises SegMambaError when nothing that was found can be a brain.
    """
    stripped = [role for role, volume in case.volumes.items() if looks_skull_stripped(volume)]
    if len(stripped) == len(case.volumes):
        return None, ()
    if stripped:
        role = min(stripped, key=lambda role: max(case.volumes[role].grid.spacing))
        volume = case.volumes[role]
        content = volume.array != background_value(volume.array)
        return Brain(
            Volume(content.astype(np.uint8), volume.affine, volume.name), (role,), was_given=True
        ), ()
    voters = [role for role in VOTERS if role in case.volumes]
    found: dict[str, Volume] = {}
    failures: list[str] = []
    for role in (*voters, *(role for role in case.volumes if role not in voters)):
        if role not in voters and found:
            break
        on_progress(len(found) + len(failures), len(voters))
        mask = find_brain_by_network(case.volumes[role])
        reason = why_no_brain(mask, case.volumes[role])
        if reason:
            failures.append(f"in {ROLE_TITLES[role]} {reason}")
        else:
            found[role] = mask
    if not found:
        raise SegMambaError(
            f"No brain was found in this head: {'; '.join(failures)}.\n"
            "Remove the skull with another program and give the volumes without it, or run with --no-preparation."
        )
    brain = Brain(_vote(list(found.values()), case.reference_volume), tuple(found))
    if not failures:
        return brain, ()
    titles = ", ".join(ROLE_TITLES[role] for role in found)
    return brain, (
        f"The brain was found in {titles} alone, because {'; '.join(failures)}. Look at its outline on the check page.",
    )


def _vote(masks: Sequence[Volume], reference: Volume) -> Volume:
    """Return where more than half of the masks lie, on a grid of 1 mm over the reference's field of view."""
    grid = grid_at_spacing(to_orientation(reference, "RAS").grid, _SPACING_MM)
    votes = [
        resample(Volume(mask.array.astype(np.float32), mask.affine), grid).array >= 0.5 for mask in masks
    ]
    return Volume((np.sum(votes, axis=0) * 2 > len(votes)).astype(np.uint8), grid.affine, "brain")
