"""A folder of patients as files, and the subject hierarchy of a scene that they are loaded into."""

from __future__ import annotations

from pathlib import Path

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
