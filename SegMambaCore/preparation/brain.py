"""Where the brain is: found in the T1, looked at whether it can be one, else in the other contrasts."""

from __future__ import annotations

import numpy as np

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.skull import background_value, looks_skull_stripped
from SegMambaCore.errors import SegMambaError
from SegMambaCore.preparation.deepbet_brain import find_brain_by_network
from SegMambaCore.preparation.plausible import why_no_brain
from SegMambaCore.preparation.preparation import Brain
from SegMambaCore.volume.volume import Volume

_CLEARLY_THINNER = 1.6  # slices of T1Gd so much thinner than of T1 count more than enhancing meninges


def find_brain(case: Case) -> tuple[Brain | None, tuple[str, ...]]:
    """Return the brain, in the reference's world, and warnings.

    case: the volumes lie on each other. None where none of them shows a skull. Where some do, the brain of
    one that does not is everybody's. Else it is looked for in T1 or T1Gd, and where what is found there cannot be
    a brain, in the other contrasts.

    Raises SegMambaError when nothing that was found can be a brain.
    """
    stripped = [role for role, volume in case.volumes.items() if looks_skull_stripped(volume)]
    if len(stripped) == len(case.volumes):
        return None, ()
    if stripped:
        role = min(stripped, key=lambda role: max(case.volumes[role].grid.spacing))
        volume = case.volumes[role]
        content = volume.array != background_value(volume.array)
        return Brain(Volume(content.astype(np.uint8), volume.affine, volume.name), role, was_given=True), ()
    failures: list[str] = []
    for role in _in_order(case):
        mask = find_brain_by_network(case.volumes[role])
        reason = why_no_brain(mask, case.volumes[role])
        if not reason:
            return Brain(mask, role), _warning(role, failures)
        failures.append(f"in {ROLE_TITLES[role]} {reason}")
    raise SegMambaError(
        f"No brain was found in this head: {'; '.join(failures)}.\n"
        "Remove the skull with another program and give the volumes without it, or run with --no-preparation."
    )


def _in_order(case: Case) -> list[str]:
    """Return the roles, those first in which a brain is found best."""
    order = ["t1n", "t1c"]
    thickness = {role: max(volume.grid.spacing) for role, volume in case.volumes.items()}
    # Without contrast agent, meninges and sinuses are dark: the T1 comes first unless its slices are thick.
    if thickness.get("t1n", 0) > _CLEARLY_THINNER * thickness.get("t1c", 1e9):
        order.reverse()
    return [role for role in (*order, "t2f", "t2w") if role in case.volumes]


def _warning(role: str, failures: list[str]) -> tuple[str, ...]:
    if not failures:
        return ()
    return (
        f"The brain was found in {ROLE_TITLES[role]}, because {'; '.join(failures)}. Look at its outline on the check "
        "page.",
    )
