"""The two lines of a lesion, as markups that the user can drag."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from SegMambaCore.measures.measure import LesionMeasures

LINE_CLASS = "vtkMRMLMarkupsLineNode"
# All that is known of a pair is kept in its nodes: a saved scene brings targets and dragged lines back.
_SEGMENTATION_ROLE = "SegMamba.Segmentation"
_PAIR = "SegMamba.Pair"
_KIND = "SegMamba.Line"
_TARGET = "SegMamba.Target"
_COMPUTED = "SegMamba.Computed"  # where the ends were laid, in the node's own coordinates

_SAME_MM = 1e-3

_COLOR = (1.0, 1.0, 0.0)
_TARGET_COLOR = (0.2, 1.0, 0.2)


@dataclass(frozen=True)
class LinePair:
    """longest, perpendicular: the nodes of one lesion's diameters."""

    longest: slicer.vtkMRMLMarkupsLineNode
    perpendicular: slicer.vtkMRMLMarkupsLineNode

    @property
    def nodes(self) -> tuple[slicer.vtkMRMLMarkupsLineNode, slicer.vtkMRMLMarkupsLineNode]:
        """Both nodes."""
        return self.longest, self.perpendicular

    @property
    def isWhole(self) -> bool:
        """Whether both lines are in the scene with both their ends: the user can delete any of them."""
        return all(slicer.mrmlScene.IsNodePresent(node) and _hasEnds(node) for node in self.nodes)

    @property
    def isEdited(self) -> bool:
        """Whether the user has dragged one of the lines."""
        return any(_isMoved(node) for node in self.nodes)

    @property
    def isTarget(self) -> bool:
        """Whether the user has chosen the lesion as a target."""
        return self.longest.GetAttribute(_TARGET) == "1"

    def setTarget(self, target: bool) -> None:
        """Choose the lesion as a target, or no longer."""
        self.longest.SetAttribute(_TARGET, "1" if target else None)
        for node in self.nodes:
            node.GetDisplayNode().SetSelectedColor(*(_TARGET_COLOR if target else _COLOR))

    def lengthsMm(self) -> tuple[float, float]:
        """Return the lengths of the longest and the perpendicular line, in the world."""
        (a, b), (c, d) = lineEnds(self.longest), lineEnds(self.perpendicular)
        return float(np.linalg.norm(b - a)), float(np.linalg.norm(d - c))

    def degreesBetween(self) -> float:
        """Return the angle between the lines, 0 to 90."""
        (a, b), (c, d) = lineEnds(self.longest), lineEnds(self.perpendicular)
        lengths = float(np.linalg.norm(b - a) * np.linalg.norm(d - c))
        cosine = abs(float((b - a) @ (d - c))) / lengths if lengths else 1.0
        return float(np.degrees(np.arccos(min(cosine, 1.0))))

    def centre(self) -> NDArray[np.float64]:
        """Return the middle of the longest diameter as it was measured, world RAS; dragging does not move it."""
        local = _computedEnds(self.longest).mean(axis=0)
        return (_toWorld(self.longest) @ [*local, 1.0])[:3]

    def place(self, lesion: LesionMeasures, number: int) -> None:
        """Name the lines after a lesion's number and, unless they were dragged, lay them on its diameters."""
        for node, name in zip(self.nodes, (_("longest"), _("perpendicular")), strict=True):
            node.SetName(_("Lesion {number} {line}").format(number=number, line=name))
        if self.isEdited or lesion.longest is None or lesion.perpendicular is None:
            return
        for node, diameter in zip(self.nodes, (lesion.longest, lesion.perpendicular), strict=True):
            _lay(node, np.array([diameter.start, diameter.end]))

    def forgetEdits(self) -> None:
        """Let `place` lay the lines anew."""
        for node in self.nodes:
            _remember(node)

    def moveWith(self, segmentation: slicer.vtkMRMLSegmentationNode) -> None:
        """Put the lines under the segmentation's transform."""
        for node in self.nodes:
            node.SetAndObserveTransformNodeID(segmentation.GetTransformNodeID())

    def setVisible(self, visible: bool) -> None:
        """Show or hide the lines."""
        for node in self.nodes:
            node.GetDisplayNode().SetVisibility(visible)

    def remove(self) -> None:
        """Take the lines out of the scene."""
        for node in self.nodes:
            slicer.mrmlScene.RemoveNode(node)


def addPair(segmentation: slicer.vtkMRMLSegmentationNode, lesion: LesionMeasures, number: int) -> LinePair:
    """Add the lines of a lesion, whose diameters are known, to the scene, under the segmentation's transform."""
    identifier = uuid.uuid4().hex
    pair = LinePair(*(_addLine(segmentation, identifier, kind) for kind in ("longest", "perpendicular")))
    pair.moveWith(segmentation)
    pair.place(lesion, number)
    pair.setTarget(False)
    return pair


def pairsOf(segmentation: slicer.vtkMRMLSegmentationNode) -> list[LinePair]:
    """Return the pairs in the scene that belong to a segmentation and are complete."""
    lines: dict[str, dict[str, slicer.vtkMRMLMarkupsLineNode]] = {}
    for node in slicer.util.getNodesByClass(LINE_CLASS):
        if node.GetNodeReference(_SEGMENTATION_ROLE) is segmentation:
            lines.setdefault(node.GetAttribute(_PAIR), {})[node.GetAttribute(_KIND)] = node
    return [
        LinePair(pair["longest"], pair["perpendicular"])
        for pair in lines.values()
        if len(pair) == 2 and all(map(_hasEnds, pair.values()))
    ]


def looseLines() -> list[slicer.vtkMRMLMarkupsLineNode]:
    """Return lines of pairs whose other half, or whose segmentation, is no longer in the scene."""
    whole = {
        node.GetID()
        for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        for pair in pairsOf(segmentation)
        for node in pair.nodes
    }
    lines = slicer.util.getNodesByClass(LINE_CLASS)
    return [node for node in lines if node.GetAttribute(_PAIR) and node.GetID() not in whole]


def lineEnds(node: slicer.vtkMRMLMarkupsLineNode) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a line starts and ends, world RAS."""
    ends = []
    for index in (0, 1):
        position = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, position)
        ends.append(np.array(position))
    return ends[0], ends[1]


def _addLine(
    segmentation: slicer.vtkMRMLSegmentationNode, pair: str, kind: str
) -> slicer.vtkMRMLMarkupsLineNode:
    node = slicer.mrmlScene.AddNewNodeByClass(LINE_CLASS)
    node.SetAttribute(_PAIR, pair)
    node.SetAttribute(_KIND, kind)
    node.SetNodeReferenceID(_SEGMENTATION_ROLE, segmentation.GetID())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetPropertiesLabelVisibility(
        False
    )  # names and lengths are in the table; here they hide the image
    display.SetOccludedVisibility(True)  # seen through the segments in 3D
    return node


def _hasEnds(node: slicer.vtkMRMLMarkupsLineNode) -> bool:
    return bool(node.GetNumberOfDefinedControlPoints() == 2)


def _lay(node: slicer.vtkMRMLMarkupsLineNode, ends: NDArray[np.float64]) -> None:
    """Put a line's ends, (2, 3) world RAS, where they were computed."""
    if node.GetNumberOfControlPoints() != 2 or np.abs(np.array(lineEnds(node)) - ends).max() > _SAME_MM:
        slicer.util.updateMarkupsControlPointsFromArray(node, ends, world=True)
        _remember(node)


def _remember(node: slicer.vtkMRMLMarkupsLineNode) -> None:
    local = slicer.util.arrayFromMarkupsControlPoints(node)
    node.SetAttribute(_COMPUTED, " ".join(f"{part:.6f}" for part in local.ravel()))


def _computedEnds(node: slicer.vtkMRMLMarkupsLineNode) -> NDArray[np.float64]:
    return np.array(node.GetAttribute(_COMPUTED).split(), dtype=np.float64).reshape(2, 3)


def _isMoved(node: slicer.vtkMRMLMarkupsLineNode) -> bool:
    if node.GetAttribute(_COMPUTED) is None:  # it is being made
        return False
    local = slicer.util.arrayFromMarkupsControlPoints(node)
    return bool(np.abs(local - _computedEnds(node)).max() > _SAME_MM)


def _toWorld(node: slicer.vtkMRMLTransformableNode) -> NDArray[np.float64]:
    matrix = vtk.vtkMatrix4x4()
    if node.GetParentTransformNode():
        node.GetParentTransformNode().GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)
