"""The connected parts of a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.volume.bounding_box import bounding_box
from SegMambaCore.volume.volume import Grid

SPECK_ML = 0.05
"""Lesions of no more than this are counted apart: BraTS 2023 leaves them out of its lesion-wise figures."""


@dataclass(frozen=True)
class Lesion:
    """A 26-connected part of a region, cut out: voxels that touch at a corner belong together, as in BraTS.

    mask: bool (k, j, i), the box that the lesion fills. grid: where that box lies, RAS millimetres.
    """

    mask: NDArray[np.bool_]
    grid: Grid

    @property
    def volume_ml(self) -> float:
        """Millilitres, as the voxels add up."""
        return int(np.count_nonzero(self.mask)) * self.grid.voxel_volume_ml

    @property
    def is_speck(self) -> bool:
        """Whether it has no more than `SPECK_ML`."""
        return self.volume_ml <= SPECK_ML


def find_lesions(mask: NDArray[np.bool_], grid: Grid) -> list[Lesion]:
    """Return the lesions of a region's mask (k, j, i), the largest first."""
    box = bounding_box(mask)
    if box is None:
        return []
    start = tuple(side.start for side in box)
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray(mask[box].astype(np.uint8)), True)
    parts = sitk.RelabelComponent(parts, sortByObjectSize=True)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(parts)
    labels = sitk.GetArrayViewFromImage(parts)
    lesions = []
    for label in shapes.GetLabels():
        i, j, k, width, height, depth = shapes.GetBoundingBox(label)
        part = labels[k : k + depth, j : j + height, i : i + width] == label
        corner = (start[0] + k, start[1] + j, start[2] + i)
        lesions.append(Lesion(part, grid.box(corner, (depth, height, width))))
    return lesions
