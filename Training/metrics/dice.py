"""Overlap of two masks."""

from __future__ import annotations

import numpy as np

from Training.metrics.nearest import Mask


def dice(prediction: Mask, reference: Mask) -> float:
    """Return 2 |A and B| / (|A| + |B|) of two masks of one shape, not both empty: for that see the conventions."""
    total = np.count_nonzero(prediction) + np.count_nonzero(reference)
    return 2.0 * int(np.count_nonzero(prediction & reference)) / int(total)
