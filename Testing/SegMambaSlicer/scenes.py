"""Scenes to segment, and where things lie in the world, computed without the code under test."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from SegMambaLib.run.program import Program
from vtk.util.numpy_support import vtk_to_numpy

ROLES = ("t1n", "t1c", "t2w", "t2f")
SHAPE = (11, 14, 17)  # (k, j, i)
FAKE_CORE = Path(__file__).resolve().parent / "fakeCore"
REPOSITORY = FAKE_CORE.parent.parent.parent


def oblique_affine() -> NDArray[np.float64]:
    """An IJK-to-RAS matrix with three rotations, three spacings and mirrored i and j, as scanners write."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [11, -7, 23], degrees=True).as_matrix() @ np.diag(
        [-0.9, -1.1, 1.7]
    )
    affine[:3, 3] = [12.3, -45.6, 7.89]
    return affine


def shift_and_turn() -> NDArray[np.float64]:
    """A parent transform."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("zyx", [30, 4, -9], degrees=True).as_matrix()
    matrix[:3, 3] = [30, 5, -8]
    return matrix


def add_transform(
    matrix: NDArray[np.float64], parent: slicer.vtkMRMLTransformNode | None = None
) -> slicer.vtkMRMLTransformNode:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Transform")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    if parent:
        transform.SetAndObserveTransformNodeID(parent.GetID())
    return transform


def add_volume(
    name: str,
    voxels: NDArray,
    affine: NDArray[np.float64] | None = None,
    transform: slicer.vtkMRMLTransformNode | None = None,
) -> slicer.vtkMRMLScalarVolumeNode:
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(volume, voxels)
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(oblique_affine() if affine is None else affine))
    if transform:
        volume.SetAndObserveTransformNodeID(transform.GetID())
    return volume


def add_case(
    transform: slicer.vtkMRMLTransformNode | None = None,
) -> dict[str, slicer.vtkMRMLScalarVolumeNode]:
    """Four volumes of random voxels between 0 and 400; T1 has a grid of its own, the others share one."""
    random = np.random.default_rng(5)
    volumes = {}
    for role in ROLES:
        affine = np.diag([1.0, 1.0, 2.0, 1.0]) if role == "t1n" else oblique_affine()
        voxels = random.integers(0, 400, SHAPE).astype(np.int16)
        volumes[role] = add_volume(f"Patient {role}", voxels, affine, transform)
    return volumes


def expected_masks(volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode]) -> dict[str, NDArray[np.bool_]]:
    """What the fake command finds."""
    voxels = slicer.util.arrayFromVolume(volumes["t1c"])
    return {"WT": voxels > 100, "TC": voxels > 200, "ET": voxels > 300}


def fake_program(**environment: str) -> Program:
    """Return the Python that runs these tests, with the fake command on its path."""
    return Program(sys.executable, {**os.environ, "PYTHONPATH": str(FAKE_CORE), **environment})


def world_points_of_mask(mask: NDArray, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """World RAS positions of the voxels inside a mask (k, j, i), in a fixed order."""
    return _ordered(np.argwhere(mask)[:, ::-1] @ affine[:3, :3].T + affine[:3, 3])


def world_points_of_segment(
    segmentation: slicer.vtkMRMLSegmentationNode, identifier: str
) -> NDArray[np.float64]:
    """The same for a segment: its own image's voxels through its own matrix and the node's transform."""
    image = slicer.vtkOrientedImageData()
    segmentation.GetBinaryLabelmapRepresentation(identifier, image)
    extent = image.GetExtent()
    size = [extent[2 * axis + 1] - extent[2 * axis] + 1 for axis in range(3)]
    inside = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size[::-1]) > 0
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    affine = slicer.util.arrayFromVTKMatrix(matrix)
    transform = segmentation.GetParentTransformNode()
    if transform:
        transform.GetMatrixTransformToWorld(matrix)
        affine = slicer.util.arrayFromVTKMatrix(matrix) @ affine
    indices = np.argwhere(inside)[:, ::-1] + np.array(extent[::2])
    return _ordered(indices @ affine[:3, :3].T + affine[:3, 3])


def masks_on(
    segmentation: slicer.vtkMRMLSegmentationNode, reference: slicer.vtkMRMLScalarVolumeNode
) -> dict[str, NDArray]:
    """The segments WT, TC and ET as arrays on a volume, by slicer.util."""
    return {
        region: slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, region, reference)
        for region in ("WT", "TC", "ET")
    }


def _ordered(points: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded = np.round(points, 3) + 0.0
    return points[np.lexsort(rounded.T)]
