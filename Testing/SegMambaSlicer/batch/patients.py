"""A folder of patients as files, and Slicer's way of loading a file, which here is its Qt-free half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk
from scenes import ROLES, add_case
from SegMambaLib.inputs.exportVolumes import exportVolumes


def write_patients(folder: Path) -> Path:
    """Write Bad and Good, complete, and Short without T2-FLAIR; the scene is empty before and after."""
    for case in ("Bad", "Good", "Short"):
        (folder / case).mkdir(parents=True)
        exportVolumes(add_case(), folder / case)
        slicer.mrmlScene.Clear()
    (folder / "Short" / "t2f.nrrd").unlink()
    assert {path.stem for path in (folder / "Good").iterdir()} == set(ROLES)
    return folder


def list_nodes_in_hierarchy() -> None:
    """Give volumes and segmentations an item as long as they are there, as the application's plugin logic does."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def added(_caller: object, _event: str, node: slicer.vtkMRMLNode) -> None:
        if node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLSegmentationNode"):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def removed(_caller: object, _event: str, node: slicer.vtkMRMLNode) -> None:
        if item := hierarchy.GetItemByDataNode(node):
            hierarchy.RemoveItem(item, False, False)

    slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, added)
    slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAboutToBeRemovedEvent, removed)


def load_volume(path: str, _properties: dict[str, Any]) -> slicer.vtkMRMLScalarVolumeNode:
    """As slicer.util.loadVolume, whose reader is this logic."""
    volume = slicer.modules.volumes.logic().AddArchetypeVolume(path, Path(path).stem, 0)
    if volume is None:
        raise RuntimeError(f"Failed to load node from file: {path}")
    return volume
