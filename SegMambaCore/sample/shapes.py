"""Distances to simple shapes, which are the phantom's outlines."""

from __future__ import annotations

import math

import numpy as np

from SegMambaCore.sample.canvas import Field, HeadFrame


def ellipsoid(
    frame: HeadFrame,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    tilt_degrees: float = 0.0,
) -> Field:
    """Return the approximate distance in mm to an ellipsoid's surface, negative inside.

    centre, radii: x, y, z in the head frame, mm. tilt_degrees: turns the ellipsoid about the left-right
    axis, its posterior end upwards.
    """
    x, y, z = frame.x - centre[0], frame.y - centre[1], frame.z - centre[2]
    cos, sin = math.cos(math.radians(tilt_degrees)), math.sin(math.radians(tilt_degrees))
    y, z = cos * y - sin * z, cos * z + sin * y
    a, b, c = radii
    scaled = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    slope = np.sqrt((x / a**2) ** 2 + (y / b**2) ** 2 + (z / c**2) ** 2)
    # The distance to first order: the excess of the scaled radius over 1, divided by its slope. Both vanish
    # at the centre.
    return scaled * (scaled - 1) / np.maximum(slope, 1e-3 / max(radii))


def smooth_union(distances: list[Field], blend_mm: float) -> Field:
    """Return the distance to the union of shapes, rounded over `blend_mm` where they meet."""
    whole = distances[0]
    for other in distances[1:]:
        share = np.clip(0.5 + (other - whole) / (2 * blend_mm), 0, 1)
        whole = other + (whole - other) * share - blend_mm * share * (1 - share)
    return whole
