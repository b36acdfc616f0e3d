"""The folder of one patient, with a folder for each scan, as volumes and segmentations in the scene."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ..core import makeCoreImportable
from ..inputs.loadVolume import loadVolume
from ..inputs.roles import REFERENCE_ROLE
from ..result.segmentedVolumes import rememberVolumes
from ..result.wholeNrrd import isWholeNrrd
from .scan import Scan

if TYPE_CHECKING:
    from SegMambaCore.volume.volume import Volume

_NUMBERED = re.compile(r"(.+)-\d{3}")  # BraTS 2023: the patient, then the number of the scan
_LABEL_MAP = re.compile(r"(^|[-_. ])seg(mentation)?\.(nii|nii\.gz|nrrd|mha)", re.IGNORECASE)
_LEVELS = slicer.vtkMRMLSubjectHierarchyConstants


def loadPatientFolder(folder: Path) -> tuple[list[Scan], list[str]]:
    """Load each scan's four volumes and segmentation under a patient and a study of the subject hierarchy.

    A scan is a folder with the four contrasts under usual names, and a .seg.nrrd or a BraTS label map. Its study
    gets the date that its name holds; names without one keep their order and wait for the user's dates. Returned
    beside the scans: a sentence for each folder that was loaded without a segmentation or not at all.
    Raises ValueError where the folder holds fewer than two scans, or scans of several patients, RuntimeError for a
    file that cannot be read; then the scene is as it was.
    """
    makeCoreImportable()
    from SegMambaCore.case.find import find_case_files
    from SegMambaCore.errors import SegMambaError

    found: dict[Path, dict[str, Path]] = {}
    remarks: list[str] = []
    for part in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            found[part] = find_case_files(part)
        except SegMambaError as error:
            remarks.append(str(error))
    _checkOnePatient(folder, [part.name for part in found])
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), folder.name)
    scans: list[Scan] = []
    made: list[slicer.vtkMRMLNode] = []
    try:
        for part, files in found.items():
            study = _addStudy(hierarchy, patient, part.name)
            volumes = {role: loadVolume(path) for role, path in files.items()}
            made += volumes.values()
            segmentation = _loadSegmentation(part, volumes[REFERENCE_ROLE])
            if segmentation is None:
                remarks.append(
                    _("{scan}: no segmentation was found. Segment it first.").format(scan=part.name)
                )
            else:
                made.append(segmentation)
                rememberVolumes(segmentation, volumes)
                scans.append(Scan(segmentation))
            for node in (*volumes.values(), *([segmentation] if segmentation else [])):
                _place(hierarchy, node, study)
    except BaseException:
        for node in made:
            slicer.mrmlScene.RemoveNode(node)
        hierarchy.RemoveItem(patient, False, True)  # with its studies; their nodes are gone
        raise
    return scans, remarks


def _checkOnePatient(folder: Path, names: list[str]) -> None:
    if len(names) < 2:
        raise ValueError(
            _(
                "{folder} holds {count} folders with the four contrasts. Choose the folder of one patient, with a "
                "folder for each scan."
            ).format(folder=folder, count=len(names))
        )
    patients = {match[1] for name in names if (match := _NUMBERED.fullmatch(name))}
    if len(patients) > 1:
        raise ValueError(
            _("{folder} holds scans of several patients: {patients}. Choose the folder of one.").format(
                folder=folder, patients=", ".join(sorted(patients))
            )
        )


def _addStudy(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, patient: int, name: str) -> int:
    from SegMambaCore.follow_up.read_folder import date_in

    study = hierarchy.CreateStudyItem(patient, name)
    if day := date_in(name):
        hierarchy.SetItemAttribute(study, _LEVELS.GetDICOMStudyDateAttributeName(), day.strftime("%Y%m%d"))
    return study


def _place(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, node: slicer.vtkMRMLNode, study: int) -> None:
    # Slicer's plugins make an item for each new node; without the application nobody does.
    if item := hierarchy.GetItemByDataNode(node):
        hierarchy.SetItemParent(item, study)
    else:
        hierarchy.CreateItem(study, node)


def _loadSegmentation(
    folder: Path, reference: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLSegmentationNode | None:
    """Load the .seg.nrrd of a folder, else its label map; None where it has neither."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    segments = next((path for path in files if path.name.endswith(".seg.nrrd")), None)
    if segments is not None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", _stem(segments))
        storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
        storage.SetFileName(str(segments))
        if not isWholeNrrd(segments) or not storage.ReadData(node):
            slicer.mrmlScene.RemoveNode(storage)
            slicer.mrmlScene.RemoveNode(node)
            raise RuntimeError(_("{path} could not be read. Segment the scan again.").format(path=segments))
        node.SetAndObserveStorageNodeID(storage.GetID())
        node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
        node.CreateDefaultDisplayNodes()
        return node
    labels = next((path for path in files if _LABEL_MAP.search(path.name)), None)
    return None if labels is None else _fromLabelMap(labels, reference)


def _fromLabelMap(path: Path, reference: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLSegmentationNode:
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.segmentation.regions import REGIONS, regions_from_label_map
    from SegMambaCore.segmentation.terminology import terminology_tag
    from SegMambaCore.volume.read import read_volume

    try:
        labels = read_volume(path)
        # Up to BraTS 2021 enhancing tumor is 4, from 2023 on 3.
        masks = regions_from_label_map(
            labels.array, "brats2021" if (labels.array == 4).any() else "brats2023", path.name
        )
    except SegMambaError as error:
        raise RuntimeError(str(error)) from error
    onLabels = _gridNode(labels)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", _stem(path))
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    node.CreateDefaultDisplayNodes()
    for key, region in REGIONS.items():
        segment = slicer.vtkSegment()
        segment.SetName(key)
        segment.SetColor(*region.colour)
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology_tag(key))
        node.GetSegmentation().AddSegment(segment, key)
        slicer.util.updateSegmentBinaryLabelmapFromArray(masks[key].astype("uint8"), node, key, onLabels)
    slicer.mrmlScene.RemoveNode(onLabels)
    return node


def _gridNode(volume: Volume) -> slicer.vtkMRMLScalarVolumeNode:
    """A volume node whose voxels lie where the volume's do."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer.util.updateVolumeFromArray(node, volume.array)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(volume.affine))
    return node


def _stem(path: Path) -> str:
    return re.sub(r"(\.seg)?\.(nii|nii\.gz|nrrd|mha|mhd)$", "", path.name)
