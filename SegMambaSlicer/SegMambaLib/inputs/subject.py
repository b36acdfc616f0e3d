"""Whose volume it is and of which day, as far as the subject hierarchy knows. No name of a patient is read."""

from __future__ import annotations

from collections.abc import Mapping

import slicer
from slicer.i18n import tr as _

from .roles import roleTitle


def subjectWarnings(
    volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
) -> dict[str, list[str]]:
    """Return for each role the sentences about another patient, or another study date, than the others have.

    Those that agree with most others are the others; without a majority each is told that it differs.
    """
    warnings: dict[str, list[str]] = {role: [] for role in volumes}
    for role, others in _oddOnes({role: _patient(volume) for role, volume in volumes.items()}).items():
        warnings[role].append(_("Another patient than {contrasts}.").format(contrasts=_titles(others)))
    for role, others in _oddOnes({role: _studyDate(volume) for role, volume in volumes.items()}).items():
        warnings[role].append(_("Another study date than {contrasts}.").format(contrasts=_titles(others)))
    return warnings


def _oddOnes(values: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the roles whose value is not the most frequent one, with those roles that differ; "" is unknown."""
    known = {role: value for role, value in values.items() if value}
    counts = {value: list(known.values()).count(value) for value in known.values()}
    if len(counts) < 2:
        return {}
    most = max(counts.values())
    usual = [value for value, count in counts.items() if count == most]
    return {
        role: [other for other in known if known[other] != value]
        for role, value in known.items()
        if len(usual) > 1 or value != usual[0]
    }


def _patient(volume: slicer.vtkMRMLScalarVolumeNode | None) -> str:
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    item = _ancestor(volume, constants.GetDICOMLevelPatient())
    if not item:
        return ""
    # A patient that the user made by hand has no number, and is one all the same.
    return _attribute(item, constants.GetDICOMPatientIDAttributeName()) or f"item {item}"


def _studyDate(volume: slicer.vtkMRMLScalarVolumeNode | None) -> str:
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    item = _ancestor(volume, constants.GetDICOMLevelStudy())
    return _attribute(item, constants.GetDICOMStudyDateAttributeName()) if item else ""


def _ancestor(volume: slicer.vtkMRMLScalarVolumeNode | None, level: str) -> int:
    if volume is None:
        return 0
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(volume)
    return hierarchy.GetItemAncestorAtLevel(item, level) if item else 0


def _attribute(item: int, name: str) -> str:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return hierarchy.GetItemAttribute(item, name).strip()


def _titles(roles: list[str]) -> str:
    return ", ".join(roleTitle(role) for role in roles)
