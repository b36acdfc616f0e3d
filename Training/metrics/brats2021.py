"""The convention of BraTS up to 2021, later called "legacy".

HD95 is the larger of the two directional 95th percentiles. Both masks empty: Dice 1, HD95 0 mm. One empty: Dice 0,
HD95 373.13 mm, the diagonal of a BraTS volume.
"""

from __future__ import annotations

import numpy as np

from Training.metrics.dice import dice
from Training.metrics.nearest import Mask, Spacing
from Training.metrics.surface import surface_distances

MISSED_HD95_MM = 373.13


def dice2021(prediction: Mask, reference: Mask) -> float:
    """Return Dice, 1 where both masks are empty and 0 where one of them is."""
    found, there = bool(prediction.any()), bool(reference.any())
    return dice(prediction, reference) if found and there else float(found == there)


def brats2021(prediction: Mask, reference: Mask, spacing: Spacing) -> dict[str, float]:
    """Return dice and hd95 of a region's masks (k, j, i)."""
    overlap = dice2021(prediction, reference)
    found, there = bool(prediction.any()), bool(reference.any())
    if not (found and there):
        return {"dice": overlap, "hd95": 0.0 if found == there else MISSED_HD95_MM}
    directions = surface_distances(prediction, reference, spacing)
    hd95 = max(float(np.percentile(distances, 95)) for distances in directions)
    return {"dice": overlap, "hd95": hd95}
