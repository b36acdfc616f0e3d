"""The tables of the panel: regions, enhancing lesions, and the sum of the targets' products."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import slicer
from numpy.typing import NDArray

from ..core import makeCoreImportable
from ..inputs.roles import REFERENCE_ROLE, ROLES
from ..inputs.volumeInWorld import volumeInWorld
from ..result.regions import REGIONS
from .lesionLines import LesionLines
from .nodeArrays import segmentMask
from .rows import LesionRow, RegionRow
from .segmentState import segmentOrigin, segmentState
from .segmentStatistics import segmentStatistics
from .unchanged import Unchanged

if TYPE_CHECKING:
    from SegMambaCore.measures.measure import LesionMeasures
    from SegMambaCore.measures.midsagittal import MidsagittalPlane
    from SegMambaCore.volume.volume import Grid

Volumes = Mapping[str, slicer.vtkMRMLScalarVolumeNode | None]


class TumorMeasures:
    """The figures of the segmentation that was given to `update` last.

    regions: the rows of WT, TC and ET, those of them that are there. lesions: the largest first.
    """

    def __init__(self, onDragged: Callable[[], None] = lambda: None) -> None:
        """onDragged: called while the user drags a line, or deletes an end; the rows then have the new lengths."""
        self.regions: list[RegionRow] = []
        self.lesions: list[LesionRow] = []
        self.segmentation: slicer.vtkMRMLSegmentationNode | None = None
        self._lines = LesionLines(onDragged)
        self._statistics = segmentStatistics()
        self._unchanged = Unchanged()

    def update(self, segmentation: slicer.vtkMRMLSegmentationNode | None, volumes: Volumes) -> None:
        """Measure, but what has not changed since; lines follow the lesions.

        volumes: by role, None for one that is not selected.
        Raises ValueError under a non-linear or shearing transform; then there are no rows.
        """
        self.regions, self.lesions, self.segmentation = [], [], segmentation
        if segmentation is None:
            self._lines.stop()
            return
        makeCoreImportable()
        from SegMambaCore.measures.measurable import least_diameter_mm

        self._unchanged.newRound()
        plane = self._midsagittalPlane(volumes)
        segments = segmentation.GetSegmentation()
        present = [region for region in REGIONS if segments.GetSegment(region) is not None]
        masks = {region: segmentMask(segmentation, region) for region in present}
        regions = [self._regionRow(region, *masks[region], volumes, plane) for region in present]
        lesions: tuple[LesionMeasures, ...] = ()
        least = 0.0
        if "ET" in masks:
            mask, grid = masks["ET"]
            least = least_diameter_mm(grid)
            lesions = self._measuredLesions(mask, grid, plane)
        pairs = self._lines.follow(segmentation, lesions)
        self.regions = regions
        self.lesions = [
            LesionRow(number, lesion, pair, least)
            for number, (lesion, pair) in enumerate(zip(lesions, pairs, strict=True), start=1)
        ]

    def setTarget(self, number: int, target: bool) -> None:
        """Tick or untick a lesion, by its number, as one whose product is summed. It needs diameters."""
        row = self.lesions[number - 1]
        pair = row.pair
        if pair is None and target:
            assert self.segmentation is not None
            pair = self._lines.add(self.segmentation, row.measures, number)
            self.lesions[number - 1] = replace(row, placed=pair)
        if pair is not None:
            pair.setTarget(target)

    def forgetEdits(self) -> None:
        """Lay lines that were dragged or deleted on the computed diameters again."""
        for row in self.lesions:
            if row.pair:
                row.pair.forgetEdits()
        if self.segmentation:
            pairs = self._lines.follow(self.segmentation, [row.measures for row in self.lesions])
            self.lesions = [replace(row, placed=pair) for row, pair in zip(self.lesions, pairs, strict=True)]

    def setLinesVisible(self, visible: bool) -> None:
        """Show or hide the lines of all lesions."""
        for row in self.lesions:
            if row.pair:
                row.pair.setVisible(visible)

    @property
    def sumOfProductsMm2(self) -> float | None:
        """The sum over the targets, None without any."""
        products = [row.productMm2 for row in self.lesions if row.isTarget]
        return sum(product or 0.0 for product in products) if products else None

    def stop(self) -> None:
        """Observe nothing any more."""
        self._lines.stop()

    def _regionRow(
        self,
        region: str,
        mask: NDArray[np.bool_],
        grid: Grid,
        volumes: Volumes,
        plane: MidsagittalPlane | None,
    ) -> RegionRow:
        from SegMambaCore.measures.measure import measure_region

        node, key, once = self.segmentation, _maskKey(mask, grid), self._unchanged.get
        assert node is not None
        figures = once((region, key, plane), lambda: measure_region(mask, grid, {}, plane))
        means: dict[str, float | None] = {}
        for role, volume in volumes.items():
            if volume is not None:
                mean = partial(self._statistics.meanIntensity, node, region, volume)
                means[role] = once((region, key, _volumeKey(volume)), mean)
        return RegionRow(
            region=region,
            volumeMl=once((region, key), partial(self._statistics.volumeMl, node, region)),
            lesions=figures.lesions,
            specks=figures.specks,
            side=figures.side,
            means=means,
            state=segmentState(node, region),
            origin=segmentOrigin(node, region),
        )

    def _measuredLesions(
        self, mask: NDArray[np.bool_], grid: Grid, plane: MidsagittalPlane | None
    ) -> tuple[LesionMeasures, ...]:
        from SegMambaCore.measures.measure import measure_lesions

        return self._unchanged.get(
            ("lesions", _maskKey(mask, grid), plane), lambda: measure_lesions(mask, grid, plane)
        )

    def _midsagittalPlane(self, volumes: Volumes) -> MidsagittalPlane | None:
        """Return the plane by the reference volume, or by another if that one is not selected."""
        from SegMambaCore.measures.midsagittal import find_midsagittal_plane

        for role in (REFERENCE_ROLE, *ROLES):
            node = volumes.get(role)
            if node is None:
                continue
            try:
                volume = volumeInWorld(node)
            except ValueError:  # under a warp, for instance
                continue
            return self._unchanged.get(_volumeKey(node), partial(find_midsagittal_plane, volume))
        return None


def _maskKey(mask: NDArray[np.bool_], grid: Grid) -> tuple:
    digest = hashlib.blake2b(np.packbits(mask).tobytes()).digest()
    return digest, mask.shape, grid.affine.tobytes()


def _volumeKey(node: slicer.vtkMRMLScalarVolumeNode) -> tuple:
    image, transform = node.GetImageData(), node.GetParentTransformNode()
    return (
        node.GetID(),
        image.GetMTime() if image else 0,
        node.GetMTime(),
        transform.GetTransformToWorldMTime() if transform else 0,
    )
