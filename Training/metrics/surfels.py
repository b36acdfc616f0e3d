"""HD95 weighted by the area of surface elements, as the package `surface-distance` defines it.

The package's table of areas is used as it is. Its functions are not: their last release fails on an empty mask
under NumPy 2, and sorting in Python takes most of their time.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate
from surface_distance.lookup_tables import (
    ENCODE_NEIGHBOURHOOD_3D_KERNEL,
    create_table_neighbour_code_to_surface_area,
)

from SegMambaCore.volume.bounding_box import bounding_box
from Training.metrics.nearest import Mask, Spacing, nearest_distances

_FULL = 255


def surfel_hd95(prediction: Mask, reference: Mask, spacing: Spacing) -> float:
    """Return the larger of the two directional 95th percentiles in mm, each weighted by the surface's area.

    prediction, reference: (k, j, i) of one shape, neither empty. Surface elements sit at the corners of voxels:
    wherever the eight voxels around a corner are not all of a kind.
    """
    box = bounding_box(prediction | reference)
    ours, theirs = (_neighbour_codes(mask[box]) for mask in (prediction, reference))
    return max(_directed(ours, theirs, spacing), _directed(theirs, ours, spacing))


def _directed(codes: NDArray[np.uint8], target_codes: NDArray[np.uint8], spacing: Spacing) -> float:
    surface = _is_surface(codes)
    distances = nearest_distances(surface, _is_surface(target_codes), spacing)
    areas = _surface_areas(spacing)[codes[surface]]
    order = np.lexsort((areas, distances))
    share = np.cumsum(areas[order]) / np.sum(areas[order])
    place = min(int(np.searchsorted(share, 0.95)), len(distances) - 1)
    return float(distances[order[place]])


def _neighbour_codes(mask: Mask) -> NDArray[np.uint8]:
    """For each corner of the voxels (k + 1, j + 1, i + 1) one bit for each of the eight voxels around it."""
    padded = np.pad(mask, ((0, 1), (0, 1), (0, 1))).astype(np.uint8)
    return correlate(padded, ENCODE_NEIGHBOURHOOD_3D_KERNEL, mode="constant", cval=0)


def _is_surface(codes: NDArray[np.uint8]) -> Mask:
    return (codes != 0) & (codes != _FULL)


@cache
def _surface_areas(spacing: Spacing) -> NDArray[np.float64]:
    """Square millimetres for each of the 256 neighbourhoods."""
    return create_table_neighbour_code_to_surface_area(spacing)
