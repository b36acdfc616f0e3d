"""Lines for the lesions of a segmentation, through edits of the segments and of the lines themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import slicer
from numpy.typing import NDArray

from .linePair import LinePair, addPair, looseLines, pairsOf

if TYPE_CHECKING:
    from SegMambaCore.measures.measure import LesionMeasures

_SAME_LESION_MM = 5.0


class LesionLines:
    """A pair of lines for each measurable lesion and each target; none for others, which would hide the image.

    onDragged: called while the user drags a line, or deletes an end of one.
    """

    def __init__(self, onDragged: Callable[[], None]) -> None:
        self._onDragged = onDragged
        self._observed: list[tuple[slicer.vtkMRMLMarkupsLineNode, int]] = []
        self._placing = False

    def follow(
        self, segmentation: slicer.vtkMRMLSegmentationNode, lesions: Sequence[LesionMeasures]
    ) -> list[LinePair | None]:
        """Bring the lines in line with the lesions; return the pair of each, None where it has none.

        A pair stays with the lesion that lies where it was measured; targets and dragged lines stay as they
        are. Pairs whose lesion is gone go too.
        """
        self._placing = True
        try:
            for line in looseLines():
                slicer.mrmlScene.RemoveNode(line)
            present = pairsOf(segmentation)
            for pair in present:
                pair.moveWith(segmentation)
            pairs = self._assign(present, lesions)
            for index, (lesion, mine) in enumerate(zip(lesions, pairs, strict=True)):
                if mine is not None:
                    mine.place(lesion, index + 1)
                elif lesion.measurable:
                    pairs[index] = addPair(segmentation, lesion, index + 1)
            self._observe([pair for pair in pairs if pair])
        finally:
            self._placing = False
        return pairs

    def add(
        self, segmentation: slicer.vtkMRMLSegmentationNode, lesion: LesionMeasures, number: int
    ) -> LinePair:
        """Give lines to a lesion that is not measurable."""
        pair = addPair(segmentation, lesion, number)
        self._observe([pair], keep=True)
        return pair

    def stop(self) -> None:
        """Observe no line any more."""
        self._observe([])

    def _assign(self, pairs: Sequence[LinePair], lesions: Sequence[LesionMeasures]) -> list[LinePair | None]:
        assigned: list[LinePair | None] = [None] * len(lesions)
        # What the user has worked on first: of two pairs on one lesion it is the one to keep.
        for pair in sorted(pairs, key=lambda pair: not (pair.isTarget or pair.isEdited)):
            distances = [_distance(pair.centre(), lesion) for lesion in lesions]
            nearest = int(np.argmin(distances)) if distances else 0
            fits = bool(distances) and distances[nearest] <= _SAME_LESION_MM and assigned[nearest] is None
            if fits and (lesions[nearest].measurable or pair.isTarget or pair.isEdited):
                assigned[nearest] = pair
            else:
                pair.remove()
        return assigned

    def _observe(self, pairs: Sequence[LinePair], keep: bool = False) -> None:
        if not keep:
            for node, tag in self._observed:
                node.RemoveObserver(tag)
            self._observed = []
        for node in (node for pair in pairs for node in pair.nodes):
            for event in (node.PointModifiedEvent, node.PointRemovedEvent, node.PointPositionUndefinedEvent):
                self._observed.append((node, node.AddObserver(event, self._onPointsChanged)))

    def _onPointsChanged(self, caller: object, event: str) -> None:
        if not self._placing:
            self._onDragged()


def _distance(point: NDArray[np.float64], lesion: LesionMeasures) -> float:
    """Millimetres from a position (world RAS) to the nearest voxel centre of a lesion."""
    part = lesion.part
    indices = np.argwhere(part.mask)[:, ::-1]
    voxels = indices @ part.grid.affine[:3, :3].T + part.grid.affine[:3, 3]
    return float(np.linalg.norm(voxels - point, axis=1).min())
