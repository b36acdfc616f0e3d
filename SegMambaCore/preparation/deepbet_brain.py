"""The brain in a T1 volume, found by deepbet.

deepbet (Fisch et al., Computers in Biology and Medicine 179, 2024; MIT license) is a 3D network trained on
healthy adults' T1; its weights are inside its package. Importing it takes a second.
"""

from __future__ import annotations

import numpy as np

from SegMambaCore.volume.resample import grid_at_spacing, resample, to_orientation
from SegMambaCore.volume.volume import Volume

_SPACING_MM = (1.0, 1.0, 1.0)
_LEAST_PROBABILITY = 0.5


def find_brain_by_network(head: Volume) -> Volume:
    """Return a mask (uint8, 1 in the brain) on a grid of 1 mm over the head's field of view, or an empty one.

    head: T1, with or without contrast agent, in any orientation.
    """
    from deepbet.bet import BrainExtraction

    upright = to_orientation(head, "RAS")
    fine = resample(upright, grid_at_spacing(upright.grid, _SPACING_MM))
    extraction = BrainExtraction(no_gpu=True)
    try:
        probability = extraction.run_model(np.ascontiguousarray(fine.array.T))
        mask = extraction.postprocess((probability > _LEAST_PROBABILITY).astype(np.float32))
    except (AssertionError, ValueError):  # nothing that looks like a brain
        mask = np.zeros(fine.array.shape[::-1], np.float32)
    return Volume((mask.T > 0).astype(np.uint8), fine.affine, head.name)
