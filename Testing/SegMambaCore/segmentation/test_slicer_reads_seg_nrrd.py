"""The .seg.nrrd in a real MRML scene, by Slicer's own storage node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.terminology import terminology_tag
from SegMambaCore.segmentation.write import write_seg_nrrd
from SegMambaCore.volume.volume import Grid

try:
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy
except ImportError as error:
    pytest.skip(f"slicer-core cannot be imported: {error}", allow_module_level=True)

LABELMAP = "Binary labelmap"


def _grid(left_handed: bool) -> Grid:
    a, b = np.radians((18, -11))
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag((-1, -1, -1 if left_handed else 1)) * (0.47, 0.9, 2.5)
    affine[:3, 3] = (61.3, 88.125, -40.7)
    return Grid((20, 30, 40), affine)


def _masks(grid: Grid) -> dict[str, np.ndarray]:
    """Random nested blobs that touch the array's edges."""
    value = np.random.default_rng(3).random(grid.shape)
    value[:, :, 0] = 1
    return {"WT": value > 0.5, "TC": value > 0.7, "ET": value > 0.9}


@pytest.fixture
def scene() -> slicer.vtkMRMLScene:
    return slicer.vtkMRMLScene()


def _load(scene: slicer.vtkMRMLScene, path: Path) -> slicer.vtkMRMLSegmentationNode:
    storage, node = slicer.vtkMRMLSegmentationStorageNode(), slicer.vtkMRMLSegmentationNode()
    for new in (storage, node):
        scene.AddNode(new)
    storage.SetFileName(str(path))
    assert storage.ReadData(node) == 1
    assert storage.GetUserMessages().GetNumberOfMessages() == 0
    return node


def _voxels(node: slicer.vtkMRMLSegmentationNode, region: str, grid: Grid) -> np.ndarray:
    """A segment's voxels on the whole grid; its geometry must be the grid's own."""
    image = node.GetSegmentation().GetSegment(region).GetRepresentation(LABELMAP)
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_ras = [[matrix.GetElement(row, column) for column in range(4)] for row in range(4)]
    np.testing.assert_allclose(to_ras, grid.affine, atol=1e-9)
    first_i, last_i, first_j, last_j, first_k, last_k = image.GetExtent()
    voxels = np.zeros(grid.shape, dtype=bool)
    if last_i >= first_i:
        shape = (last_k - first_k + 1, last_j - first_j + 1, last_i - first_i + 1)
        part = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)
        assert set(np.unique(part)) <= {0, 1}
        voxels[first_k : last_k + 1, first_j : last_j + 1, first_i : last_i + 1] = part
    return voxels


@pytest.mark.parametrize("left_handed", [False, True])
def test_overlapping_segments_arrive_voxel_by_voxel(
    scene: slicer.vtkMRMLScene, tmp_path: Path, left_handed: bool
) -> None:
    segmentation = Segmentation(_masks(_grid(left_handed)), _grid(left_handed))
    path = tmp_path / "segmentation.seg.nrrd"
    write_seg_nrrd(segmentation, path)
    node = _load(scene, path)
    assert node.GetSegmentation().GetNumberOfLayers(LABELMAP) == 3
    assert node.GetSegmentation().GetSourceRepresentationName() == LABELMAP
    assert [node.GetSegmentation().GetNthSegmentID(n) for n in range(3)] == ["WT", "TC", "ET"]
    for region, mask in segmentation.masks.items():
        np.testing.assert_array_equal(_voxels(node, region, segmentation.grid), mask)


def test_names_colours_terminology_status_and_reference_geometry_arrive(
    scene: slicer.vtkMRMLScene, tmp_path: Path
) -> None:
    grid = _grid(False)
    path = tmp_path / "segmentation.seg.nrrd"
    write_seg_nrrd(Segmentation(_masks(grid), grid), path)
    node = _load(scene, path)
    for key, region in REGIONS.items():
        segment = node.GetSegmentation().GetSegment(key)
        assert segment.GetName() == key
        assert segment.GetColor() == pytest.approx(region.colour)
        assert segment.GetLabelValue() == 1
        tag = vtk.reference("")
        assert segment.GetTag("TerminologyEntry", tag)
        assert str(tag) == terminology_tag(key)
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        assert logic.GetSegmentStatus(segment) == logic.InProgress
        entry = slicer.vtkSlicerTerminologyEntry()
        assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(str(tag), entry)
        assert entry.GetTypeObject().GetCodeMeaning() == terminology_tag(key).split("~")[2].split("^")[2]
        assert entry.GetRegionObject().GetCodeValue() == "12738006"
    geometry = node.GetSegmentation().GetConversionParameter("Reference image geometry")
    reference = slicer.vtkOrientedImageData()
    assert slicer.vtkSegmentationConverter.DeserializeImageGeometry(geometry, reference, False)
    assert reference.GetExtent() == (0, 39, 0, 29, 0, 19)


def test_empty_segments_arrive_and_survive_being_saved_again(
    scene: slicer.vtkMRMLScene, tmp_path: Path
) -> None:
    grid = _grid(False)
    masks = _masks(grid)
    masks["ET"] = np.zeros(grid.shape, dtype=bool)
    path, again = tmp_path / "segmentation.seg.nrrd", tmp_path / "again.seg.nrrd"
    write_seg_nrrd(Segmentation(masks, grid), path)
    node = _load(scene, path)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(again))
    assert storage.WriteData(node) == 1
    reloaded = _load(scene, again)
    for region in ("WT", "TC"):
        np.testing.assert_array_equal(_voxels(reloaded, region, grid), masks[region])
    assert reloaded.GetSegmentation().GetSegment("ET").GetName() == "ET"


def test_no_tumor_at_all_arrives_as_three_empty_segments(scene: slicer.vtkMRMLScene, tmp_path: Path) -> None:
    grid = _grid(False)
    path = tmp_path / "segmentation.seg.nrrd"
    write_seg_nrrd(Segmentation({key: np.zeros(grid.shape, dtype=bool) for key in REGIONS}, grid), path)
    node = _load(scene, path)
    assert [node.GetSegmentation().GetNthSegmentID(n) for n in range(3)] == ["WT", "TC", "ET"]
    for n in range(3):
        image = node.GetSegmentation().GetNthSegment(n).GetRepresentation(LABELMAP)
        assert image.GetNumberOfPoints() == 0
