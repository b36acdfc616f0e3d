"""What every picture of slices draws alike: the grey levels of a volume, the outline of a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from SegMambaCore.volume.volume import Volume


def intensity_window(volume: Volume) -> tuple[float, float]:
    """The values shown black and white: 2nd and 99.9th percentile of what is not background."""
    sample = volume.array[::2, ::2, ::2]
    inside = sample[sample > sample.min()]
    if inside.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(inside, (2, 99.9))
    return float(low), float(high)


def draw_outline(
    axes: Axes,
    mask: NDArray[np.bool_],
    pixel: tuple[float, float],
    colour: Sequence[float] | str,
    width: float,
    **style: Any,
) -> None:
    """Draw the outline of a slice's mask (rows, columns); nothing where it is empty.

    pixel: millimetres from row to row and from column to column; the axes are in millimetres. width: points.
    style: further arguments of matplotlib's contour.
    """
    if not mask.any():
        return
    # A rim of background closes the contours that reach the edge.
    rows, columns = mask.shape
    y, x = (np.arange(-1, rows + 1) + 0.5) * pixel[0], (np.arange(-1, columns + 1) + 0.5) * pixel[1]
    padded = np.pad(mask, 1).astype(np.float32)
    axes.contour(x, y, padded, levels=[0.5], colors=[colour], linewidths=width, **style)
