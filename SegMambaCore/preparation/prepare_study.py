"""From volumes as the scanner made them to volumes that `prepare_case` can take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.similarity import misalignment_warnings
from SegMambaCore.case.volume_checks import skull_warnings, thickness_warnings
from SegMambaCore.preparation.align import align, roles_to_register
from SegMambaCore.preparation.bias import without_bias
from SegMambaCore.preparation.brain import find_brain
from SegMambaCore.preparation.preparation import Motion, Preparation

Step = Literal["inspect", "align", "extract"]


def prepare_study(
    case: Case,
    on_step: Callable[[Step], None] = lambda step: None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Preparation:
    """Do what the case needs, and nothing else: lay sequences onto the reference, find the brain in the head.

    on_step: what begins now; "align" and "extract" only where they are needed. on_progress: steps done and all
    steps of that one. Raises SegMambaError when a sequence fits nowhere or no brain is found, CancelledError
    when asked to stop.
    """
    on_step("inspect")
    roles = roles_to_register(case)
    motions: dict[str, Motion] = {}
    if roles:
        on_step("align")
        case, motions = align(case, roles, on_progress, is_cancelled)
    warnings = [
        f"{ROLE_TITLES[role]} ({case.volumes[role].name}) was laid onto {ROLE_TITLES[case.reference]}, but it is not "
        "sure that it fits. Look at the check page."
        for role, motion in motions.items()
        if motion.is_doubtful
    ]
    if skull_warnings(case):
        on_step("extract")
    brain, from_brain = find_brain(case, on_progress)
    # Volumes on each other and without a skull went through another program, which has seen to this, too.
    even = None
    if roles or brain:
        mask = None if brain is None else brain.mask
        even = replace(case, volumes={role: without_bias(v, mask) for role, v in case.volumes.items()})
    return Preparation(case, motions, brain, (*thickness_warnings(case), *warnings, *from_brain), even)


def leave_as_is(case: Case) -> Preparation:
    """Change nothing; warn of what the case would need."""
    return Preparation(
        case,
        warnings=(*skull_warnings(case), *thickness_warnings(case), *misalignment_warnings(case)),
    )
