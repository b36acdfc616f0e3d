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
    all of it is nearer. plane: None where the orientation is not known.
    """
    if plane is None:
        return "unknown"
    shares = [_shares(lesion, plane) for lesion in lesions]
    if len(lesions) > 1 and any(min(left, right) >= _LEAST_SHARE for left, right, _ in shares):
        return "crosses the midline"
    voxels = np.array([count for *_, count in shares], dtype=np.float64)
    left, right = (np.average([share[side] for share in shares], weights=voxels) for side in (0, 1))
    on_left, on_right = left >= _LEAST_SHARE, right >= _LEAST_SHARE
    if on_left and on_right:
        return "crosses the midline" if len(lesions) == 1 else "both sides"
    if on_left or on_right:
        return "left" if on_left else "right"
    return "midline"


def _shares(lesion: Lesion, plane: MidsagittalPlane) -> tuple[float, float, int]:
    """The shares of a lesion to the left and to the right, and its voxels."""
    indices = np.argwhere(lesion.mask)[:, ::-1]
    points = indices @ lesion.grid.affine[:3, :3].T + lesion.grid.affine[:3, 3]
    distances = plane.distance_to_right(points)
    return (
        float((distances < -_BAND_MM).mean()),
        float((distances > _BAND_MM).mean()),
        len(indices),
    )
