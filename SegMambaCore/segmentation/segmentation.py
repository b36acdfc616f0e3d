"""Where the tumor's regions are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.volume.volume import Grid


@dataclass(frozen=True)
class Segmentation:
    """One mask a region on a common grid; the masks overlap, since ET is part of TC and TC of WT.

    masks: "WT", "TC" and "ET", each bool (k, j, i).
    grid: where the voxels lie, RAS millimetres.

    Raises ValueError when a region is missing or a mask does not have the grid's shape.
    """

    masks: dict[str, NDArray[np.bool_]]
    grid: Grid

    def __post_init__(self) -> None:
        if set(self.masks) != set(REGIONS):
            raise ValueError(
                f"A segmentation needs the regions {', '.join(REGIONS)}, not {', '.join(self.masks)}."
            )
        for region, mask in self.masks.items():
            if mask.shape != self.grid.shape:
                raise ValueError(
                    f"The mask of {region} has the shape {mask.shape}, its grid {self.grid.shape}."
                )

    def voxel_count(self, region: str) -> int:
        """Number of voxels of a region."""
        return int(np.count_nonzero(self.masks[region]))

    def volume_ml(self, region: str) -> float:
        """Volume of a region in millilitres, as its voxels add up."""
        return self.voxel_count(region) * self.grid.voxel_volume_ml
