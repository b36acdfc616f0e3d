"""Which side of the head a region is on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from SegMambaCore.measures.lesions import Lesion
from SegMambaCore.measures.midsagittal import MidsagittalPlane

Side = Literal["left", "right", "midline", "both sides", "crosses the midline", "unknown"]
"""The patient's. "both sides": lesions here and there, none of which crosses."""

_BAND_MM = 5.0  # the plane is an approximation, and a tumor pushes the falx aside
_LEAST_SHARE = 0.05


def side_of(lesions: Sequence[Lesion], plane: MidsagittalPlane | None) -> Side:
    """Return the side of one lesion, or of all lesions of a region; there must be one.

    A lesion is on a side if a twentieth of it lies there, more than 5 mm from the plane; on the midline if
    all of it is nearer. Specks count only where there is nothing larger. plane: None where the orientation is
    not known.
    """
    if plane is None:
        return "unknown"
    sides = {_side(lesion, plane) for lesion in lesions if not lesion.is_speck}
    sides = sides or {_side(lesion, plane) for lesion in lesions}
    if "crosses the midline" in sides:
        return "crosses the midline"
    if {"left", "right"} <= sides:
        return "both sides"
    return next((side for side in sides if side != "midline"), "midline")


def _side(lesion: Lesion, plane: MidsagittalPlane) -> Side:
    indices = np.argwhere(lesion.mask)[:, ::-1]
    points = indices @ lesion.grid.affine[:3, :3].T + lesion.grid.affine[:3, 3]
    distances = plane.distance_to_right(points)
    left = (distances < -_BAND_MM).mean() >= _LEAST_SHARE
    right = (distances > _BAND_MM).mean() >= _LEAST_SHARE
    if left and right:
        return "crosses the midline"
    if left or right:
        return "left" if left else "right"
    return "midline"
