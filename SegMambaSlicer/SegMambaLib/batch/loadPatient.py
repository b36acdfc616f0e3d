"""A finished patient in the scene: the four volumes with the segments on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..inputs.exportVolumes import worldAffine
from ..inputs.loadVolume import loadVolume
from ..inputs.roles import REFERENCE_ROLE, ROLES, roleTitle
from ..result.importSegments import importSegments

SEGMENTS_FILE = "segmentation.seg.nrrd"


@dataclass(frozen=True)
class LoadedPatient:
    """volumes: by role."""

    volumes: dict[str, slicer.vtkMRMLScalarVolumeNode]
    segmentation: slicer.vtkMRMLSegmentationNode


def loadPatient(case: str, sources: Mapping[str, Path], results: Path) -> LoadedPatient:
    """Load a patient's volumes and segments into a folder of the subject hierarchy that has the patient's name.

    sources: a file or DICOM folder for each role. results: the patient's folder within those of the batch.
    Raises RuntimeError when a file cannot be read; then the scene is as it was.
    """
    made: list[slicer.vtkMRMLNode] = []
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), case)
    try:
        volumes = {}
        for role in ROLES:
            volume = _loadVolume(sources[role])
            made.append(volume)
            volume.SetName(slicer.mrmlScene.GenerateUniqueName(f"{case} {roleTitle(role)}"))
            hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), folder)
            volumes[role] = volume
        name = slicer.mrmlScene.GenerateUniqueName(_("{name} tumor").format(name=case))
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        made.append(segmentation)
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(segmentation), folder)
        reference = volumes[REFERENCE_ROLE]
        importSegments(results / SEGMENTS_FILE, segmentation, reference, worldAffine(reference))
    except BaseException:
        hierarchy.RemoveItem(folder)  # with what is in it
        for node in made:
            slicer.mrmlScene.RemoveNode(node)
        raise
    return LoadedPatient(volumes, segmentation)


def _loadVolume(path: Path) -> slicer.vtkMRMLScalarVolumeNode:
    if path.is_dir():
        raise RuntimeError(
            _(
                "{path} holds DICOM files: load them with the DICOM module, then drop the segmentation."
            ).format(path=path)
        )
    return loadVolume(path)
