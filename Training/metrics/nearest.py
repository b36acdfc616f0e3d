"""The distance from each point of one set to the nearest of another, on a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]
"""Millimetres between voxels along the array's axes (k, j, i)."""

_SPARSE = 6
"""Voxels of the box for each point, above which a search tree is faster than distances over the whole box."""


def nearest_distances(points: Mask, targets: Mask, spacing: Spacing) -> NDArray[np.float64]:
    """Return millimetres from each point to the nearest target, in the points' order in the array.

    points, targets: (k, j, i) of one shape, true at the points; neither is empty.
    Exact either way: surfaces are sparse, so a search tree is fast; where points fill their box, as noise does,
    a distance transform is.
    """
    if points.size < _SPARSE * (np.count_nonzero(points) + np.count_nonzero(targets)):
        return distance_transform_edt(~targets, sampling=spacing)[points]

    step = np.asarray(spacing, dtype=np.float64)
    where, target = np.argwhere(points), np.argwhere(targets)
    # Points of a grid need no balanced tree, and the plain one is built in a third of the time.
    tree = KDTree(target * step, balanced_tree=False, compact_nodes=False)
    nearest = tree.query(where * step)[1]
    # As the distance transform sums up, so that equal distances are equal to the last bit.
    return np.sqrt((((where - target[nearest]) * step) ** 2).sum(axis=1))
