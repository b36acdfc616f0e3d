"""How bright a contrast is within a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Grid, Volume


def mean_intensity(mask: NDArray[np.bool_], grid: Grid, volume: Volume) -> float | None:
    """Return the mean of the volume's voxels whose centres lie within a mask (k, j, i), in the volume's units.

    No intensity is interpolated, as in 3D Slicer's segment statistics. None where no centre does.
    """
    if grid.matches(volume.grid):
        inside = mask
    else:
        inside = (
            resample(Volume(mask.astype(np.uint8), grid.affine), volume.grid, interpolation="nearest").array
            > 0
        )
    values = volume.array[inside]
    return float(values.mean(dtype=np.float64)) if values.size else None
