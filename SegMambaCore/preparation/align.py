"""The sequences of a case laid onto the reference, where they do not lie there already."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.similarity import measure_fit
from SegMambaCore.case.skull import looks_skull_stripped
from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.preparation.preparation import Motion
from SegMambaCore.registration.rigid import RigidRegistration, register_rigid
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Volume

_SAME_PLACE_MM = 0.05  # headers are rounded


def roles_to_register(case: Case) -> list[str]:
    """Return the roles that have to be registered to the reference, in the order of the case.

    A volume counts as registered when it lies on the reference's own voxels, shows no skull (people strip after
    they have registered) and fits better than after any small motion. All others are registered: whether a head
    moved by a millimetre or two between two sequences, no quick look can tell.
    """
    reference = case.reference_volume
    return [
        role
        for role, volume in case.volumes.items()
        if role != case.reference and not _lies_on(volume, reference)
    ]


def align(
    case: Case,
    roles: list[str],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Case, dict[str, Motion]]:
    """Register these roles to the reference; return the case with new affines, and the motions.

    Several sequences are registered at once, as many as there are cores. on_progress: steps done and all steps.
    Raises SegMambaError that names the sequence when one shows no head or fits nowhere, CancelledError when
    asked to stop.
    """
    reference = case.reference_volume
    steps = {role: (0, 1) for role in roles}

    def register(role: str) -> RigidRegistration:
        def tell(done: int, total: int) -> None:
            steps[role] = (done, total)
            on_progress(sum(done for done, _ in steps.values()), sum(total for _, total in steps.values()))

        try:
            return register_rigid(reference, case.volumes[role], tell, is_cancelled)
        except CancelledError:
            raise
        except SegMambaError as error:
            raise SegMambaError(
                f"{ROLE_TITLES[role]} ({case.volumes[role].name}) cannot be laid onto {ROLE_TITLES[case.reference]}: "
                f"{error}"
            ) from error

    with ThreadPoolExecutor(max_workers=max(1, min(len(roles), os.cpu_count() or 1))) as pool:
        found = dict(zip(roles, pool.map(register, roles), strict=True))
    motions = {
        role: Motion(registration.matrix, registration.millimetres, registration.is_doubtful)
        for role, registration in found.items()
    }
    moved = {
        role: Volume(volume.array, motions[role].matrix @ volume.affine, volume.name)
        if role in motions
        else volume
        for role, volume in case.volumes.items()
    }
    return replace(case, volumes=moved), motions


def _lies_on(volume: Volume, reference: Volume) -> bool:
    turned = [to_orientation(each, "LPS").grid for each in (volume, reference)]
    return (
        turned[0].matches(turned[1], _SAME_PLACE_MM)
        and looks_skull_stripped(volume)
        and looks_skull_stripped(reference)
        and not measure_fit(volume, reference).lies_apart
    )
