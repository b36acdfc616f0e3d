"""The small line under each selector: spacing, size, how sure the choice is, and what is wrong with the volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from .roleAssigner import Assignment
from .roles import ROLES, referenceRole, roleTitle
from .subject import subjectWarnings
from .volumeInWorld import volumeInWorld

if TYPE_CHECKING:
    from SegMambaCore.volume.volume import Volume


@dataclass(frozen=True)
class VolumeLine:
    """text: one line, "" where there is nothing to say; warnings: a sentence each."""

    text: str
    warnings: tuple[str, ...] = ()


class VolumeLines:
    """Looks at voxels once only: what it has found holds until they change."""

    def __init__(self) -> None:
        self._stripped: dict[int, bool] = {}
        self._same: dict[tuple[int, int], bool] = {}

    def lines(
        self,
        nodes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        assignments: Mapping[str, Assignment | None],
    ) -> dict[str, VolumeLine]:
        """Return the line of each role. assignments: how a role came by its volume, None where the user chose."""
        volumes: dict[str, Volume] = {}
        warnings = subjectWarnings({role: nodes[role] for role in ROLES})
        for role in ROLES:
            if node := nodes[role]:
                try:
                    volumes[role] = volumeInWorld(node)
                except ValueError as problem:
                    warnings[role].insert(0, str(problem))
        for role, volume in volumes.items():
            found = [
                *self._sameAsOthers(role, nodes, volumes),
                *_apartFromReference(role, volumes),
                *_thickSlices(volume),
                *self._withSkull(nodes[role], volume),
            ]
            warnings[role][:0] = found
        return {
            role: VolumeLine(
                _text(volumes.get(role), nodes[role], assignments.get(role)), tuple(warnings[role])
            )
            for role in ROLES
        }

    def _sameAsOthers(
        self,
        role: str,
        nodes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        volumes: Mapping[str, Volume],
    ) -> list[str]:
        from SegMambaCore.case.volume_checks import same_voxels

        found = []
        for other in volumes:
            if other == role:
                continue
            if nodes[other] is nodes[role]:
                found.append(_("The same volume as {contrast}.").format(contrast=roleTitle(other)))
                continue
            first, second = sorted((_voxelTime(nodes[role]), _voxelTime(nodes[other])))
            if (first, second) not in self._same:
                self._same[first, second] = same_voxels(volumes[role].array, volumes[other].array)
            if self._same[first, second]:
                found.append(_("The same voxels as {contrast}.").format(contrast=roleTitle(other)))
        return found

    def _withSkull(self, node: slicer.vtkMRMLScalarVolumeNode | None, volume: Volume) -> list[str]:
        from SegMambaCore.case.skull import looks_skull_stripped

        time = _voxelTime(node)
        if time not in self._stripped:
            self._stripped[time] = looks_skull_stripped(volume)
        if self._stripped[time]:
            return []
        return [_("Shows the skull: the brain in it will be found, unless preparation is skipped.")]


def _apartFromReference(role: str, volumes: Mapping[str, Volume]) -> list[str]:
    from SegMambaCore.volume.overlap import grids_overlap

    reference = referenceRole(volumes)
    if grids_overlap(volumes[role].grid, volumes[reference].grid):
        return []
    return [_("No overlap in space with {contrast}.").format(contrast=roleTitle(reference))]


def _thickSlices(volume: Volume) -> list[str]:
    from SegMambaCore.case.volume_checks import thick_slices_mm

    thickness = thick_slices_mm(volume.grid)
    return [_("Thick slices: {mm} mm.").format(mm=f"{thickness:.1f}")] if thickness else []


def _text(
    volume: Volume | None, node: slicer.vtkMRMLScalarVolumeNode | None, assignment: Assignment | None
) -> str:
    if node is None:
        return _("Left empty: {reason}.").format(reason=assignment.reason) if assignment else ""
    parts = [] if volume is None else [_sizes(volume)]
    if assignment:
        confidence = _("Sure: {reason}.") if assignment.isSure else _("Probable, please check: {reason}.")
        parts.append(confidence.format(reason=assignment.reason))
    return " ".join(parts)


def _sizes(volume: Volume) -> str:
    spacing = " x ".join(f"{step:.3g}" for step in volume.grid.spacing)
    size = " x ".join(str(count) for count in volume.array.shape[::-1])
    return _("{spacing} mm, {size} voxels.").format(spacing=spacing, size=size)


def _voxelTime(node: slicer.vtkMRMLScalarVolumeNode | None) -> int:
    """Return a number that no two states of any voxels share."""
    assert node is not None
    return int(node.GetImageData().GetMTime())
