"""Taking back what a run did to a segmentation."""

from __future__ import annotations

from dataclasses import dataclass

import slicer


@dataclass(frozen=True)
class _Placement:
    """Where the segments lay: not a part of vtkSegmentationHistory's states."""

    transformID: str | None
    referenceID: str | None
    referenceGeometry: str


class RunHistory:
    """The states of one segmentation before each run that wrote into it; scene-wide undo is off in Slicer.

    Another segmentation starts a new history.
    """

    def __init__(self) -> None:
        self._node: slicer.vtkMRMLSegmentationNode | None = None
        self._history = slicer.vtkSegmentationHistory()
        self._placements: list[_Placement] = []

    def saveState(self, segmentation: slicer.vtkMRMLSegmentationNode) -> None:
        """Remember the segments as they are now."""
        if segmentation is not self._node:
            self._node = segmentation
            self._history.SetSegmentation(segmentation.GetSegmentation())
            self._placements = []
        self._history.SaveState()
        self._placements.append(_placement(segmentation))

    def canUndo(self) -> bool:
        """Whether there is a state to go back to, in a segmentation that still is in the scene."""
        return (
            self._node is not None
            and bool(slicer.mrmlScene.IsNodePresent(self._node))
            and self._history.IsRestorePreviousStateAvailable()
        )

    def undo(self) -> None:
        """Go back to the last saved state: edits made since are taken back with it. Needs `canUndo`."""
        node, placement = self._node, self._placements.pop()
        assert node is not None
        with slicer.util.NodeModify(node):
            self._history.RestorePreviousState()
            node.SetAndObserveTransformNodeID(placement.transformID)
            node.SetNodeReferenceID(_referenceRole(), placement.referenceID)
            node.GetSegmentation().SetConversionParameter(_geometryParameter(), placement.referenceGeometry)


def _placement(segmentation: slicer.vtkMRMLSegmentationNode) -> _Placement:
    return _Placement(
        segmentation.GetTransformNodeID(),
        segmentation.GetNodeReferenceID(_referenceRole()),
        segmentation.GetSegmentation().GetConversionParameter(_geometryParameter()),
    )


def _referenceRole() -> str:
    return slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()


def _geometryParameter() -> str:
    return slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
