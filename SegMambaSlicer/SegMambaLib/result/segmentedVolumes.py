"""Which volumes a segmentation was made from, kept in its node."""

from __future__ import annotations

from collections.abc import Mapping

import slicer

from ..inputs.roles import ROLES

_REFERENCE_ROLE = "SegMamba.Volume."


def rememberVolumes(
    segmentation: slicer.vtkMRMLSegmentationNode, volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode]
) -> None:
    """Note the volumes by role; those that have left the scene are passed over, as are roles without one."""
    for role in ROLES:
        volume = volumes.get(role)
        if volume is not None and not slicer.mrmlScene.IsNodePresent(volume):
            volume = None
        segmentation.SetNodeReferenceID(_REFERENCE_ROLE + role, volume.GetID() if volume else None)


def segmentedVolumes(segmentation: slicer.vtkMRMLSegmentationNode) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the volumes of the last run into the segmentation that are in the scene."""
    nodes = (segmentation.GetNodeReference(_REFERENCE_ROLE + role) for role in ROLES)
    return [node for node in nodes if node is not None]
