"""Telling what a volume shows from the air around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def head_threshold(array: NDArray) -> float:
    """Return the intensity above which a voxel of an array (k, j, i) shows the head rather than noise."""
    # A twentieth of the bright tissue's value tells the head from the noise around it.
    dark = float(array.min())
    bright = float(np.percentile(array[::3, ::3, ::3], 99))
    return dark + (bright - dark) / 20
