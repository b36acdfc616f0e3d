"""Distances between the surfaces of two masks, counted by voxels: HD95 up to BraTS 2021, and the paper's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from SegMambaCore.volume.bounding_box import bounding_box
from Training.metrics.nearest import Mask, Spacing, nearest_distances


def surface_distances(
    prediction: Mask, reference: Mask, spacing: Spacing
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return millimetres from each surface voxel of the prediction to the reference's surface, and the reverse.

    prediction, reference: (k, j, i) of one shape, neither empty. A surface voxel has a face towards the
    outside of its mask; outside is also what lies beyond the array.
    """
    box = bounding_box(prediction | reference)
    ours, theirs = (mask[box] & ~binary_erosion(mask[box]) for mask in (prediction, reference))
    return nearest_distances(ours, theirs, spacing), nearest_distances(theirs, ours, spacing)
