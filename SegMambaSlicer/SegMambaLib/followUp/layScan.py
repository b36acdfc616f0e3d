"""A scan laid onto another by transforms that can be taken away again; no voxel and no node is changed."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from slicer.i18n import tr as _

from .scan import Scan

_REGISTERED = "SegMamba.FollowUp.Registered"
_PARENT = "SegMamba.FollowUp.ParentBefore"


def layScan(scan: Scan, matrix: NDArray[np.float64], onto: str) -> None:
    """Move all of a scan in the world.

    matrix: 4 x 4, world RAS mm, from where the scan lies now to where it shall lie. onto: the name of the scan
    that it shall lie on.
    A node that has a parent transform keeps its effect: the new transform takes its place and holds both. A
    scan laid before is laid from where it lies.
    Raises ValueError for a node under a non-linear transform; then nothing has moved.
    """
    nodes = scan.nodes()
    parents = {id(parent): parent for parent in (node.GetParentTransformNode() for node in nodes)}
    moved = {key: matrix @ _toWorld(parent) for key, parent in parents.items()}
    replacements: dict[int, slicer.vtkMRMLLinearTransformNode] = {}
    for key, parent in parents.items():
        if parent is not None and parent.GetAttribute(_REGISTERED):
            # Its own parent, if any, is in the product already.
            parent.SetAndObserveTransformNodeID(None)
            parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(moved[key]))
        else:
            replacements[key] = _addTransform(scan, moved[key], parent, onto)
    for node in nodes:
        key = id(node.GetParentTransformNode())
        if key in replacements:
            node.SetAndObserveTransformNodeID(replacements[key].GetID())


def putBack(scan: Scan) -> None:
    """Undo `layScan`: every node goes back under the parent transform that it had, or none."""
    for transform in transformsOf(scan):
        parent = transform.GetNodeReference(_PARENT)
        for node in slicer.util.getNodesByClass("vtkMRMLTransformableNode"):
            if node.GetParentTransformNode() is transform:
                node.SetAndObserveTransformNodeID(parent.GetID() if parent else None)
        slicer.mrmlScene.RemoveNode(transform)


def isLaid(scan: Scan) -> bool:
    """Whether a scan lies on another by `layScan`."""
    return bool(transformsOf(scan))


def transformsOf(scan: Scan) -> list[slicer.vtkMRMLLinearTransformNode]:
    """The transforms of `layScan` that the scan's nodes are under."""
    found = []
    for node in scan.nodes():
        parent = node.GetParentTransformNode()
        if parent is not None and parent.GetAttribute(_REGISTERED) and parent not in found:
            found.append(parent)
    return found


def _addTransform(
    scan: Scan,
    matrix: NDArray[np.float64],
    parent: slicer.vtkMRMLTransformNode | None,
    onto: str,
) -> slicer.vtkMRMLLinearTransformNode:
    name = _("{scan} registered to {onto}").format(scan=scan.name, onto=onto)
    transform = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLLinearTransformNode", slicer.mrmlScene.GenerateUniqueName(name)
    )
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    transform.SetAttribute(_REGISTERED, "1")
    if parent is not None:
        transform.SetNodeReferenceID(_PARENT, parent.GetID())
    return transform


def _toWorld(transform: slicer.vtkMRMLTransformNode | None) -> NDArray[np.float64]:
    matrix = vtk.vtkMatrix4x4()
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            raise ValueError(
                _(
                    "The transform {transform} is not linear. Harden it, or remove it, in the Transforms module."
                ).format(transform=transform.GetName())
            )
        transform.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)
