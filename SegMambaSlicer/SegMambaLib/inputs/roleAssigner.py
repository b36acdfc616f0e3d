"""Filling the four roles with volume nodes, where names and DICOM headers say which is which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import slicer

from ..core import makeCoreImportable
from .roles import ROLES
from .volumeSeries import seriesOfVolume


@dataclass(frozen=True)
class Assignment:
    """volume: None where the role stays empty; isSure: nobody need look; reason: a phrase, in words."""

    volume: slicer.vtkMRMLScalarVolumeNode | None
    isSure: bool
    reason: str


class RoleAssigner:
    """Knows which choices it made itself: those of the user it never changes."""

    def __init__(self) -> None:
        self._made: dict[str, Assignment] = {}

    def assign(
        self,
        chosen: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        volumes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    ) -> dict[str, Assignment]:
        """Return what stands for the roles that are empty or were filled here, among volumes not chosen by hand.

        chosen: what stands for the roles now; volumes: what there is to choose from.
        """
        byHand = {role: chosen[role] for role in ROLES if self._isByHand(role, chosen[role])}
        left = [volume for volume in volumes if not any(volume is taken for taken in byHand.values())]
        found = {role: made for role, made in assignVolumes(left).items() if role not in byHand}
        self._made = {role: self._made[role] for role in byHand if role in self._made} | found
        return found

    def assignAll(self, volumes: Sequence[slicer.vtkMRMLScalarVolumeNode]) -> dict[str, Assignment]:
        """Return the same for all roles, whatever stood for them: the user gave these volumes as a case."""
        self._made = assignVolumes(volumes)
        return dict(self._made)

    def assignmentOf(self, role: str, volume: slicer.vtkMRMLScalarVolumeNode | None) -> Assignment | None:
        """Return how a role came by its volume, or why it is empty; None where the user chose."""
        made = self._made.get(role)
        return made if made is not None and made.volume is volume else None

    def forget(self) -> None:
        """The scene goes away, with all that was chosen."""
        self._made = {}

    def _isByHand(self, role: str, volume: slicer.vtkMRMLScalarVolumeNode | None) -> bool:
        return volume is not None and self.assignmentOf(role, volume) is None


def assignVolumes(volumes: Sequence[slicer.vtkMRMLScalarVolumeNode]) -> dict[str, Assignment]:
    """Return what stands for each role among these volumes, as `SegMambaCore.case.recognise` has it."""
    makeCoreImportable()
    from SegMambaCore.case.recognise import assign_roles

    choices = assign_roles([seriesOfVolume(volume) for volume in volumes])
    return {
        role: Assignment(
            None if choice.index is None else volumes[choice.index],
            choice.confidence == "sure",
            choice.reason,
        )
        for role, choice in choices.items()
    }


def volumesInScene() -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the scene's scalar volumes that have voxels; label maps and hidden nodes are none of them."""
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [
        volume
        for volume in volumes
        if volume.GetClassName() == "vtkMRMLScalarVolumeNode"
        and not volume.GetHideFromEditors()
        and volume.GetImageData() is not None
        and volume.GetImageData().GetNumberOfPoints() > 0
    ]
