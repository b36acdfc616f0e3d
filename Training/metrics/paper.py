"""The convention of the SegMamba paper's public code, which scores with medpy.

HD95 is the 95th percentile of the surface distances of both directions pooled. Where a mask is empty, or both
are, Dice is 0 and HD95 is 50 mm.
"""

from __future__ import annotations

import numpy as np

from Training.metrics.dice import dice
from Training.metrics.nearest import Mask, Spacing
from Training.metrics.surface import surface_distances

EMPTY_HD95_MM = 50.0


def paper(prediction: Mask, reference: Mask, spacing: Spacing) -> dict[str, float]:
    """Return dice and hd95 of a region's masks (k, j, i)."""
    if not (prediction.any() and reference.any()):
        return {"dice": 0.0, "hd95": EMPTY_HD95_MM}
    pooled = np.concatenate(surface_distances(prediction, reference, spacing))
    return {"dice": dice(prediction, reference), "hd95": float(np.percentile(pooled, 95))}
