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


def brats2021(prediction: Mask, reference: Mask, spacing: Spacing) -> dict[str, float]:
    """Return dice and hd95 of a region's masks (k, j, i)."""
    found, there = bool(prediction.any()), bool(reference.any())
    if not (found and there):
        both_empty = found == there
        return {"dice": float(both_empty), "hd95": 0.0 if both_empty else MISSED_HD95_MM}
    directions = surface_distances(prediction, reference, spacing)
    hd95 = max(float(np.percentile(distances, 95)) for distances in directions)
    return {"dice": dice(prediction, reference), "hd95": hd95}
