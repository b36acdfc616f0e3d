"""Taking back what a run, or the making of nested regions, did to a segmentation."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import slicer

_MOST_STATES = 5  # each keeps a copy of the segments


@dataclass(frozen=True)
class _State:
    """Segments, and where they lay, which vtkSegmentationHistory does not keep.

    title: what taking it back is called. segments: a history of this one state: a longer one would keep a
    state that was restored, and so fall out of step with the placements.
    """

    title: str
    segments: slicer.vtkSegmentationHistory
    transformID: str | None
    referenceID: str | None
    referenceGeometry: str


class RunHistory:
    """The states of one segmentation before each change that is ours; scene-wide undo is off in Slicer.

    Another segmentation starts a new history.
    """

    def __init__(self) -> None:
        self._node: slicer.vtkMRMLSegmentationNode | None = None
        self._states: deque[_State] = deque(maxlen=_MOST_STATES)

    def saveState(self, segmentation: slicer.vtkMRMLSegmentationNode, title: str) -> None:
        """Remember the segments as they are now. title: the name of going back to them, "Undo last run"."""
        if segmentation is not self._node:
            self._node = segmentation
            self._states.clear()
        self._states.append(_state(segmentation, title))

    def canUndo(self) -> bool:
        """Whether there is a state to go back to, in a segmentation that still is in the scene."""
        return (
            bool(self._states) and self._node is not None and bool(slicer.mrmlScene.IsNodePresent(self._node))
        )

    def nextTitle(self) -> str:
        """Return what `undo` would be called, "" where there is nothing to take back."""
        return self._states[-1].title if self.canUndo() else ""

    def undo(self) -> slicer.vtkMRMLSegmentationNode:
        """Go back to the last saved state and return the node; edits made since go with it. Needs `canUndo`."""
        node, state = self._node, self._states.pop()
        assert node is not None
        with slicer.util.NodeModify(node):
            state.segments.RestorePreviousState()
            node.SetAndObserveTransformNodeID(state.transformID)
            node.SetNodeReferenceID(_referenceRole(), state.referenceID)
            node.GetSegmentation().SetConversionParameter(_geometryParameter(), state.referenceGeometry)
        return node


def _state(segmentation: slicer.vtkMRMLSegmentationNode, title: str) -> _State:
    segments = slicer.vtkSegmentationHistory()
    segments.SetSegmentation(segmentation.GetSegmentation())
    segments.SaveState()
    return _State(
        title,
        segments,
        segmentation.GetTransformNodeID(),
        segmentation.GetNodeReferenceID(_referenceRole()),
        segmentation.GetSegmentation().GetConversionParameter(_geometryParameter()),
    )


def _referenceRole() -> str:
    return slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()


def _geometryParameter() -> str:
    return slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
