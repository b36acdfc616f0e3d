"""The longest diameter of a lesion's cross-section, and the longest perpendicular to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.measures.outline import outline_points, outline_segments, stay_inside

_FIRST_LINES = 2000
_ROUNDING = 1e-6  # of a pixel


@dataclass(frozen=True)
class Chord:
    """A straight line within a cross-section; start, end: (x, y), millimetres along columns and rows.

    (0, 0) is the centre of the first pixel.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @property
    def length(self) -> float:
        """Millimetres."""
        return float(np.linalg.norm(self.end - self.start))


def pieces_of(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the 8-connected pieces of a mask (rows, columns), each a mask of the same shape."""
    labels = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)
    )
    return [labels == label for label in range(1, int(labels.max()) + 1)]


def longest_chord(
    piece: NDArray[np.bool_], pixel_size: tuple[float, float], longer_than: float = 0.0
) -> Chord | None:
    """Return the longest straight line between two corners of the outline that does not leave the piece.

    piece: mask (rows, columns). pixel_size: millimetres from column to column and from row to row.
    Holes are outside. The corners lie less than a pixel apart. None where no line is longer than
    `longer_than` millimetres.
    """
    points = outline_points(piece)
    scale = np.asarray(pixel_size) / 2
    first, second = np.triu_indices(len(points), k=1)
    lengths = np.linalg.norm((points[second] - points[first]) * scale, axis=1)
    candidates = np.flatnonzero(lengths > longer_than)
    count = _FIRST_LINES
    while candidates.size:
        # The longest first: in a convex piece one of them is the answer, in a ring most of them cross the hole.
        if candidates.size > count:
            order = np.argpartition(lengths[candidates], -count)
            candidates, now = candidates[order[:-count]], candidates[order[-count:]]
        else:
            candidates, now = candidates[:0], candidates
        now = now[stay_inside(piece, points[first[now]], points[second[now]])]
        if now.size:
            best = now[lengths[now].argmax()]
            return Chord(points[first[best]] * scale, points[second[best]] * scale)
        count *= 4
    return None


def longest_perpendicular(piece: NDArray[np.bool_], pixel_size: tuple[float, float], chord: Chord) -> Chord:
    """Return the longest straight line at right angles to a chord that does not leave the piece.

    It need not cross the chord: in a ring neither could.
    """
    direction = (chord.end - chord.start) / chord.length
    across = np.array([-direction[1], direction[0]])
    segments = outline_segments(piece) * (np.asarray(pixel_size) / 2)  # (n, from and to, x and y)
    along, height = segments @ direction, segments @ across
    # The length of a cut changes linearly while it moves from corner to corner of the outline: one of the
    # cuts beside a corner is the longest. Beside, because at the corner itself two cuts may meet.
    step = _ROUNDING * min(pixel_size)
    corners = np.unique(along)
    cuts = np.concatenate([corners - step, corners + step])
    number, segment = np.nonzero(
        (along.min(axis=1) < cuts[:, None]) & (cuts[:, None] < along.max(axis=1))
    )  # which cut meets which piece of the outline
    share = (cuts[number] - along[segment, 0]) / (along[segment, 1] - along[segment, 0])
    meeting = height[segment, 0] + share * (height[segment, 1] - height[segment, 0])
    order = np.lexsort([meeting, number])
    # The outline is closed: each cut enters and leaves in turn.
    enter, leave = order[0::2], order[1::2]
    best = (meeting[leave] - meeting[enter]).argmax()
    foot = cuts[number[enter[best]]] * direction
    return Chord(foot + meeting[enter[best]] * across, foot + meeting[leave[best]] * across)
