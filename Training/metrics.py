"""Dice and HD95 in the convention of BraTS up to 2021.

Both masks empty: Dice 1, HD95 0 mm. One empty: Dice 0, HD95 373.13 mm, the diagonal of a BraTS volume. HD95
is the larger of the two directional 95th percentiles of the distances between surfaces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

MISSED_HD95_MM = 373.13


def dice(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Return 2 |A and B| / (|A| + |B|) of two masks of one shape."""
    total = np.count_nonzero(prediction) + np.count_nonzero(reference)
    return 2.0 * np.count_nonzero(prediction & reference) / total if total else 1.0


def hd95(
    prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> float:
    """Return the 95 % Hausdorff distance in mm of two masks (k, j, i); spacing in mm along the same axes."""
    surfaces = [_surface_points(mask) * np.asarray(spacing) for mask in (prediction, reference)]
    empty = [len(points) == 0 for points in surfaces]
    if any(empty):
        return 0.0 if all(empty) else MISSED_HD95_MM
    directions = ((surfaces[0], surfaces[1]), (surfaces[1], surfaces[0]))
    return max(float(np.percentile(KDTree(to).query(points)[0], 95)) for points, to in directions)


def _surface_points(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions (n, 3) of the voxels of a mask with a face towards its outside; the array's border is
    outside.
    """
    filled = np.argwhere(mask)
    if len(filled) == 0:
        return filled
    start, stop = filled.min(axis=0), filled.max(axis=0) + 1
    box = np.pad(mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))], 1)
    return np.argwhere(box & ~binary_erosion(box)) + start - 1
