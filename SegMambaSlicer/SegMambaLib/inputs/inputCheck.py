"""Whether the volumes and a segmentation can be worked with: said before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

import slicer
from slicer.i18n import tr as _

from ..result.regions import REGIONS
from .exportVolumes import worldAffine
from .roles import FEWEST_CONTRASTS, ROLES, missingRoles, referenceRole, roleTitle


def problemWithInputs(
    volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
    segmentation: slicer.vtkMRMLSegmentationNode | None,
) -> str | None:
    """Return what keeps the segmentation from starting, or None.

    volumes: by role, two at least; segmentation: the one that takes the result, None for a new one.
    """
    missing = missingRoles(volumes)
    if len(ROLES) - len(missing) < FEWEST_CONTRASTS:
        titles = ", ".join(roleTitle(role) for role in missing)
        return _("Select a volume for {contrasts}: two contrasts at least, better all four.").format(
            contrasts=titles
        )
    if repeated := _rolesOfSameVolume(volumes):
        return _("{contrasts} are the same volume. Select a different one for each.").format(
            contrasts=_(" and ").join(roleTitle(role) for role in repeated)
        )
    for role in ROLES:
        if role in missing:
            continue
        try:
            worldAffine(volumes[role])
        except ValueError as problem:
            return str(problem)
    reference = referenceRole(volumes)
    if segmentation is not None and not canTakeSegments(segmentation, volumes[reference]):
        return _(
            "The segmentation {name} holds other segments and does not have the parent transform of "
            "{reference}. Select a new segmentation."
        ).format(name=segmentation.GetName(), reference=roleTitle(reference))
    if segmentation is not None and (other := _otherVolume(segmentation, volumes[reference])):
        return _(
            "The segmentation {name} holds the regions of {volume}, maybe another patient's. Select a new "
            "segmentation for this result."
        ).format(name=segmentation.GetName(), volume=other.GetName())
    return None


def canTakeSegments(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode
) -> bool:
    """Whether the result can go there without moving other segments in space.

    The segmentation gets the reference's parent transform, and with it everything that it holds.
    """
    identifiers = segmentation.GetSegmentation().GetSegmentIDs()
    return (
        all(identifier in REGIONS for identifier in identifiers)
        or segmentation.GetParentTransformNode() is reference.GetParentTransformNode()
    )


def _otherVolume(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLScalarVolumeNode | None:
    """Return the volume in the scene on which the segmentation's regions were made, if it is another one."""
    if not any(segmentation.GetSegmentation().GetSegment(region) for region in REGIONS):
        return None
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    volume = segmentation.GetNodeReference(role)
    return None if volume is reference else volume


def _rolesOfSameVolume(volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None]) -> list[str]:
    for role in ROLES:
        same = [
            other for other in ROLES if volumes.get(role) is not None and volumes.get(other) is volumes[role]
        ]
        if len(same) > 1:
            return same
    return []
