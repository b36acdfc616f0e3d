"""The Dice that a network's own probabilities promise: what it is unsure of, in the figure that everybody knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SMOOTH_VOXELS = 50.0
"""Added to both sides of the fraction, so that an empty mask over hardly any probability promises about 1."""


def expected_dice(probabilities: Mapping[str, Any], masks: Mapping[str, Any]) -> dict[str, float]:
    """Return for each region (2 sum of p in the mask + s) / (voxels in the mask + sum of p + s).

    probabilities: of each region, (...). masks: what was decided, bool of the same shapes. Arrays or tensors.

    Were the probabilities right and voxels independent of each other, this would be about the mean Dice over all that
    the truth may be. They are not quite, so a limit below which to warn is chosen on held-out cases (`ModelSpec`).
    Where a region was not found although something was probable, it is low, too.
    """
    return {region: _expected(probabilities[region], mask) for region, mask in masks.items()}


def _expected(probabilities: Any, mask: Any) -> float:
    inside, found, total = ((probabilities * mask).sum(), mask.sum(), probabilities.sum())
    return float((2 * float(inside) + SMOOTH_VOXELS) / (float(found) + float(total) + SMOOTH_VOXELS))


def unsure_regions(expected: Mapping[str, float], least: Mapping[str, float]) -> list[str]:
    """Return the regions whose promise lies below the least one; a region without a limit is never among them."""
    return [region for region, value in expected.items() if value < least.get(region, -np.inf)]
