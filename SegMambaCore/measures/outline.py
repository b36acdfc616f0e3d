"""The outline of a mask in one plane, and whether a straight line stays inside it.

The outline is that of marching squares at one half: it passes midway between the centre of a pixel inside and
the centre of a neighbour outside, so a row of n pixels is n pixels long. 3D Slicer's surface of a segment is
the same before it is smoothed. Pixels that touch at a corner are joined, as 26-connected lesions are.

Coordinates are doubled and therefore whole numbers: pixel (row, column) has its centre at (x, y) = (2 column,
2 row), and the outline's corners lie at an odd x on an even y or the other way round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Middles of a cell's edges; the cell spans four pixel centres, the first at (0, 0).
_LOW, _RIGHT, _HIGH, _LEFT = (1, 0), (2, 1), (1, 2), (0, 1)
# The lines that cut off the centres outside, by which of (0, 0), (2, 0), (0, 2), (2, 2) are inside: 1, 2, 4, 8.
_SEGMENTS: dict[int, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    1: ((_LEFT, _LOW),), 14: ((_LEFT, _LOW),),
    2: ((_LOW, _RIGHT),), 13: ((_LOW, _RIGHT),),
    4: ((_LEFT, _HIGH),), 11: ((_LEFT, _HIGH),),
    8: ((_HIGH, _RIGHT),), 7: ((_HIGH, _RIGHT),),
    3: ((_LEFT, _RIGHT),), 12: ((_LEFT, _RIGHT),),
    5: ((_LOW, _HIGH),), 10: ((_LOW, _HIGH),),
    6: ((_LEFT, _LOW), (_HIGH, _RIGHT)),
    9: ((_LOW, _RIGHT), (_LEFT, _HIGH)),
}  # fmt: skip


def outline_points(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the outline's corners, (n, 2) as (x, y) in doubled coordinates, of a mask (rows, columns)."""
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[:, 1:] != padded[:, :-1])
    beside = np.column_stack([2 * columns - 1, 2 * rows - 2])
    rows, columns = np.nonzero(padded[1:] != padded[:-1])
    above = np.column_stack([2 * columns - 2, 2 * rows - 1])
    return np.concatenate([beside, above])


def outline_segments(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the outline's straight pieces, (n, 2, 2): from and to, each (x, y) in doubled coordinates."""
    padded = np.pad(mask, 1).astype(np.uint8)
    cells = padded[:-1, :-1] + 2 * padded[:-1, 1:] + 4 * padded[1:, :-1] + 8 * padded[1:, 1:]
    pieces = [np.empty((0, 2, 2), np.int64)]
    for kind, segments in _SEGMENTS.items():
        rows, columns = np.nonzero(cells == kind)
        corner = np.column_stack([2 * columns - 2, 2 * rows - 2])[:, None, :]
        pieces += [corner + np.array(segment)[None] for segment in segments]
    return np.concatenate(pieces)


def stay_inside(
    mask: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether the straight lines between points of the outline lie within it, the outline itself included.

    starts, ends: (n, 2) as `outline_points` gives them. Exact, in whole numbers: within a cell the inside is
    convex, and on a line through pixel centres it is made of whole halves of the distance between two
    centres. So a line stays inside if wherever it crosses a row or column of pixel centres, the nearest centre
    is inside.
    """
    padded = np.pad(mask, 1)
    inside = np.arange(len(starts))
    inside = inside[_nearest_are_inside(padded, starts[inside], ends[inside])]
    inside = inside[_nearest_are_inside(padded.T, starts[inside][:, ::-1], ends[inside][:, ::-1])]
    result = np.zeros(len(starts), np.bool_)
    result[inside] = True
    return result


def _nearest_are_inside(
    padded: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Return the indices of the lines that pass the test on every row of pixel centres."""
    turned = starts[:, 1] > ends[:, 1]
    lower, upper = np.where(turned[:, None], ends, starts), np.where(turned[:, None], starts, ends)
    alive = np.arange(len(starts))
    (x, y), (dx, dy) = lower.T, (upper - lower).T
    for row in _scattered(len(padded) - 2):
        across = np.flatnonzero((y[alive] <= 2 * row) & (2 * row <= y[alive] + dy[alive]) & (dy[alive] > 0))
        line = alive[across]
        # The crossing is at x = numerator / dy; a centre is nearest within 1 of it, on the tie two are.
        numerator = x[line] * dy[line] + dx[line] * (2 * row - y[line]) + dy[line]
        column, rest = np.divmod(numerator, 2 * dy[line])
        fine = padded[row + 1, column + 1] | ((rest == 0) & padded[row + 1, column])
        alive = np.delete(alive, across[~fine])
        if not alive.size:
            break
    return alive


def _scattered(count: int) -> list[int]:
    """Return 0 to count - 1, far from each other first: a line that leaves the mask is soon found out."""
    rows: list[int] = []
    step = 1 << count.bit_length()
    while step:
        rows += range(step, count, 2 * step)
        step //= 2
    return [*rows, 0]
