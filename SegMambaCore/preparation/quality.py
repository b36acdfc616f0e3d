"""What speaks against the input, found in the brain itself before the network sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.case.similarity import normalised_mutual_information
from SegMambaCore.preparation.contrasts import contrast_warnings

_ENOUGH_POINTS = 50_000  # with fewer, unrelated channels seem to tell something of each other
_LEAST_POINTS = 1000
# Excess over 1, beside T1Gd, in 44 cases: T1 of the same patient 0.013 to 0.187 (all but one from 0.030 on), of another
# patient's brain in the same place 0.002 to 0.028; other contrasts 0.011 to 0.103, and 0.002 to 0.019.
_LEAST_EXCESS_T1 = 0.022
_LEAST_EXCESS = 0.011


@dataclass(frozen=True)
class QualityCheck:
    """similarity: normalised mutual information with the reference within the brain, by role, 1 (unrelated) to 2.

    warnings: sentences for the report.
    """

    similarity: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def check_quality(tensor: NDArray[np.float32], channels: Sequence[str], reference: str) -> QualityCheck:
    """Look at the network's input (channels, k, j, i; 0 outside the brain; roles in order).

    Each channel is compared with the reference, where that is a channel, and all with each other.
    """
    # A channel that is 0 everywhere is missing.
    given = {role: channel for role, channel in zip(channels, tensor, strict=True) if channel.any()}
    shared = np.logical_and.reduce([channel != 0 for channel in given.values()])
    count = int(np.count_nonzero(shared))
    if count < _LEAST_POINTS:
        return QualityCheck()
    step = max(1, count // _ENOUGH_POINTS // 2)
    samples = {role: channel[shared][::step] for role, channel in given.items()}
    if reference not in samples:
        return QualityCheck(warnings=contrast_warnings(samples))
    similarity = {
        role: normalised_mutual_information(values, samples[reference])
        for role, values in samples.items()
        if role != reference
    }
    unlike = tuple(
        f"{ROLE_TITLES[role]} shows hardly what {ROLE_TITLES[reference]} shows (similarity {value:.3f}). Are both of "
        "the same patient, and do they lie on each other? Look at the check page."
        for role, value in similarity.items()
        if value - 1 < (_LEAST_EXCESS_T1 if {role, reference} == {"t1n", "t1c"} else _LEAST_EXCESS)
    )
    return QualityCheck(similarity, unlike + contrast_warnings(samples))
