"""A finished patient in the scene: the four volumes with the segments on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..inputs.exportVolumes import worldAffine
from ..inputs.loadCase import loadCase
from ..inputs.loadDicom import loadDicomSeries
from ..inputs.roles import REFERENCE_ROLE, ROLES, roleTitle
from ..result.importSegments import importSegments
from ..result.segmentedVolumes import rememberVolumes

SEGMENTS_FILE = "segmentation.seg.nrrd"


@dataclass(frozen=True)
class LoadedPatient:
    """volumes: by role."""

    volumes: dict[str, slicer.vtkMRMLScalarVolumeNode]
    segmentation: slicer.vtkMRMLSegmentationNode


def loadPatient(
    case: str, sources: Mapping[str, Path], results: Path, seriesUids: Mapping[str, str] | None = None
) -> LoadedPatient:
    """Load a patient's volumes and segments.

    In the subject hierarchy, files go into a folder with the patient's name, DICOM series into their study.
    sources: a file or DICOM folder for each role. results: the patient's folder within those of the batch.
    seriesUids: of the series to load from a folder, by role.
    Raises ValueError or RuntimeError when something cannot be read; then the scene is as it was.
    """
    made: list[slicer.vtkMRMLNode] = []
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), case)
    try:
        volumes = {}
        for role in ROLES:
            uid = (seriesUids or {}).get(role)
            loaded = loadDicomSeries(sources[role], uid) if uid else loadCase([sources[role]])
            made += loaded
            if len(loaded) != 1:
                raise RuntimeError(_("{path} is not one volume.").format(path=sources[role]))
            volumes[role] = loaded[0]
            volumes[role].SetName(slicer.mrmlScene.GenerateUniqueName(f"{case} {roleTitle(role)}"))
            if sources[role].is_file():
                hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volumes[role]), folder)
        name = slicer.mrmlScene.GenerateUniqueName(_("{name} tumor").format(name=case))
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        made.append(segmentation)
        reference = volumes[REFERENCE_ROLE]
        importSegments(results / SEGMENTS_FILE, segmentation, reference, worldAffine(reference))
        rememberVolumes(segmentation, volumes)
    except BaseException:
        for node in made:
            slicer.mrmlScene.RemoveNode(node)
        hierarchy.RemoveItem(folder)
        raise
    if not any(source.is_file() for source in sources.values()):
        hierarchy.RemoveItem(folder)
    return LoadedPatient(volumes, segmentation)
