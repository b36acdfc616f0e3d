"""Whether each channel looks like the contrast that its role says.

Rules on the brain's z-scores, each a comparison that the contrasts' physics gives, tried on 44 real cases. Fluid is
dark in FLAIR and T1 and bright in T2; vessels and enhancing tissue are brighter in T1Gd than in T1.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES

Samples = Mapping[str, NDArray[np.float32]]

_SHARE = 0.04  # of the brain, its darkest part in one contrast: mostly fluid
_TAIL = 0.3  # percent
# T1 and T1Gd of one patient correlate with up to 0.88, any other two contrasts with up to 0.64.
_SAME_ABOVE = 0.94
# Of what is brighter in T1Gd than in T1 less what is darker: -1.0 to 6.8, below 0 in two cases that do not enhance.
_LEAST_ENHANCEMENT = -1.2


def contrast_warnings(samples: Samples) -> tuple[str, ...]:
    """Return a sentence for each two channels that seem to be exchanged or to show one contrast.

    samples: by role, float32 (n,), z-scores of the same points of the brain. What is missing is not asked for.

    Measured on 44 cases with all four contrasts: no false alarm. Exchanged T1 and T2 are found in all, T2 and FLAIR in
    all, T1 and T1Gd in 38: where hardly anything enhances, nothing tells these two apart.
    """
    same = [
        (a, b) for a, b in combinations(samples, 2) if np.corrcoef(samples[a], samples[b])[0, 1] > _SAME_ABOVE
    ]
    warnings = [
        f"{ROLE_TITLES[a]} and {ROLE_TITLES[b]} show nearly the same. Is one of them in the place of the other?"
        for a, b in same
    ]
    rules: dict[tuple[str, str], bool | None] = {
        ("t1n", "t2w"): _fluid_is_brighter(samples, "t2w", "t1n", by=("t2f", "t1c")),
        ("t2w", "t2f"): _fluid_is_brighter(samples, "t2w", "t2f", by=("t1c", "t1n")),
        ("t1n", "t1c"): _enhances(samples),
    }
    for (a, b), holds in rules.items():
        if holds is False and (a, b) not in same:
            warnings.append(
                f"{ROLE_TITLES[a]} and {ROLE_TITLES[b]} seem to be exchanged: each looks like the other. Check which "
                "file is which."
            )
    return tuple(warnings)


def _fluid_is_brighter(samples: Samples, bright: str, dark: str, by: tuple[str, str]) -> bool | None:
    """Whether fluid is brighter in one contrast than in another; by: which contrasts show where fluid is, best first.

    None where a contrast is missing.
    """
    witness = next((role for role in by if role in samples), None)
    if witness is None or not {bright, dark} <= samples.keys():
        return None
    count = max(1, round(_SHARE * samples[witness].size))
    fluid = np.argpartition(samples[witness], count - 1)[:count]
    return bool(samples[bright][fluid].mean() > samples[dark][fluid].mean())


def _enhances(samples: Samples) -> bool | None:
    if not {"t1n", "t1c"} <= samples.keys():
        return None
    difference = samples["t1c"] - samples["t1n"]
    return bool(np.percentile(difference, [_TAIL, 100 - _TAIL]).sum() > _LEAST_ENHANCEMENT)
