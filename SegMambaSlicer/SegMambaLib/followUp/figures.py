"""The figures of a scan's segments, as follow-up compares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer

from ..core import makeCoreImportable
from ..measures.linePair import pairsOf
from ..measures.nodeArrays import segmentMask
from ..measures.segmentState import segmentState
from ..result.regions import REGIONS
from .scan import Scan

if TYPE_CHECKING:
    from SegMambaCore.follow_up.time_point import TimePoint


class Figures:
    """Measures scans, each anew only when its enhancing segment has changed or moved."""

    def __init__(self) -> None:
        self._products: dict[tuple[str, bytes], float] = {}

    def timePoint(self, scan: Scan, name: str) -> TimePoint:
        """Return a scan's volumes and sum of products under a name that is unique.

        The sum is that of the targets that the user has ticked, with the lines as dragged; without any, that of
        all measurable lesions, in the axial planes of the world: registered scans are measured in the same
        planes. Raises ValueError for a segmentation under a transform that bends or shears.
        """
        makeCoreImportable()
        from SegMambaCore.follow_up.time_point import TimePoint

        node = scan.segmentation
        present = [region for region in REGIONS if node.GetSegmentation().GetSegment(region) is not None]
        return TimePoint(
            name,
            scan.date,
            {region: _volumeMl(node, region) for region in present},
            self._sumOfProducts(node) if "ET" in present else None,
            scan.treatment,
            {region: segmentState(node, region).value for region in present},
        )

    def _sumOfProducts(self, node: slicer.vtkMRMLSegmentationNode) -> float:
        from SegMambaCore.measures.measure import measure_lesions
        from SegMambaCore.segmentation.fingerprint import fingerprint

        if targets := targetsOf(node):
            return sum(longest * perpendicular for longest, perpendicular in targets)
        mask, grid = segmentMask(node, "ET")
        key = fingerprint(mask), grid.affine.tobytes()
        if key not in self._products:
            lesions = measure_lesions(mask, grid, None) if mask.any() else ()
            self._products[key] = sum(lesion.product_mm2 or 0.0 for lesion in lesions if lesion.measurable)
        return self._products[key]


def targetsOf(node: slicer.vtkMRMLSegmentationNode) -> list[tuple[float, float]]:
    """Return the longest and the perpendicular diameter, in mm, of each lesion that the user has ticked."""
    return [pair.lengthsMm() for pair in pairsOf(node) if pair.isTarget]


def _volumeMl(node: slicer.vtkMRMLSegmentationNode, region: str) -> float:
    mask, grid = segmentMask(node, region)
    return int(np.count_nonzero(mask)) * grid.voxel_volume_ml
