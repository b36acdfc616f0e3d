"""The regions of a segmentation node, made to nest again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer
from numpy.typing import NDArray
from slicer.i18n import tr as _

from .nesting import nest, regionsOutside
from .regionMasks import referenceVolume, regionMasks
from .regions import REGIONS
from .runHistory import RunHistory


@dataclass(frozen=True)
class _Remembered:
    """Masks as bits: three of a brain are three megabytes."""

    shape: tuple[int, ...]
    bits: dict[str, NDArray[np.uint8]]


class NestedSegments:
    """Knows how the regions of a segmentation were when they last nested, and brings edited ones back to that."""

    def __init__(self, history: RunHistory) -> None:
        """history: gets the state before each change, so that it can be undone."""
        self._history = history
        self._remembered: dict[slicer.vtkMRMLSegmentationNode, _Remembered] = {}

    def remember(self, segmentation: slicer.vtkMRMLSegmentationNode) -> None:
        """Take the regions as they are for the state that later edits start from; forget it if they don't nest."""
        others = {node: state for node, state in self._remembered.items() if node is not segmentation}
        self._remembered = {
            node: state for node, state in others.items() if slicer.mrmlScene.IsNodePresent(node)
        }
        try:
            masks = regionMasks(segmentation)
        except ValueError:
            return
        if not regionsOutside(masks):
            bits = {region: np.packbits(mask) for region, mask in masks.items()}
            self._remembered[segmentation] = _Remembered(masks[REGIONS[0]].shape, bits)

    def makeNested(self, segmentation: slicer.vtkMRMLSegmentationNode) -> dict[str, int]:
        """Change the segments so that ET lies in TC and TC in WT; return the change in voxels by region.

        Nothing is saved for undo where nothing changes. Raises ValueError for a segmentation without the three
        regions or without its volume.
        """
        masks = regionMasks(segmentation)
        nested = nest(masks, self._before(segmentation, masks[REGIONS[0]].shape))
        changes = {region: int(nested[region].sum()) - int(masks[region].sum()) for region in REGIONS}
        if not any(changes.values()):
            return changes
        self._history.saveState(segmentation, _("Undo nesting"))
        reference = referenceVolume(segmentation)
        with slicer.util.NodeModify(segmentation):
            for region in REGIONS:
                if changes[region]:
                    slicer.util.updateSegmentBinaryLabelmapFromArray(
                        nested[region].astype(np.uint8), segmentation, region, reference
                    )
        segmentation.CreateClosedSurfaceRepresentation()
        self.remember(segmentation)
        return changes

    def _before(
        self, segmentation: slicer.vtkMRMLSegmentationNode, shape: tuple[int, ...]
    ) -> dict[str, NDArray[np.bool_]] | None:
        remembered = self._remembered.get(segmentation)
        if remembered is None or remembered.shape != shape:
            return None
        count = int(np.prod(shape))
        return {
            region: np.unpackbits(bits, count=count).reshape(shape).astype(bool)
            for region, bits in remembered.bits.items()
        }
