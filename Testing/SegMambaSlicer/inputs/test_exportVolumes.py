"""Exported files against SimpleITK, which reads them without Slicer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from numpy.typing import NDArray
from scenes import add_case, add_transform, add_volume, oblique_affine, shift_and_turn
from SegMambaLib.inputs.exportVolumes import exportVolumes, worldAffine

RANDOM = np.random.default_rng(3)


def read(path: Path) -> tuple[NDArray, NDArray[np.float64]]:
    """Voxels (k, j, i) and affine to RAS, by SimpleITK."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), np.diag([-1, -1, 1, 1]) @ affine


def test_voxels_are_untouched_and_lie_in_the_world(tmp_path: Path) -> None:
    volumes = add_case(add_transform(shift_and_turn()))
    files = exportVolumes(volumes, tmp_path)
    assert list(files) == ["t1n", "t1c", "t2w", "t2f"]
    for role, path in files.items():
        own = np.diag([1.0, 1.0, 2.0, 1.0]) if role == "t1n" else oblique_affine()
        voxels, affine = read(path)
        np.testing.assert_array_equal(voxels, slicer.util.arrayFromVolume(volumes[role]))
        np.testing.assert_allclose(affine, shift_and_turn() @ own, atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_every_kind_of_voxel(kind: type, tmp_path: Path) -> None:
    voxels = RANDOM.normal(100, 50, (3, 4, 5)).clip(0, 255).astype(kind)
    volumes = {role: add_volume(role, voxels) for role in ("t1n", "t1c", "t2w", "t2f")}
    found, _affine = read(exportVolumes(volumes, tmp_path)["t2f"])
    assert found.dtype == kind
    np.testing.assert_array_equal(found, voxels)


def test_the_scene_is_left_as_it_was(tmp_path: Path) -> None:
    volumes = add_case(add_transform(shift_and_turn()))
    before = slicer.mrmlScene.GetNumberOfNodes()
    storage = volumes["t1c"].GetStorageNode()
    exportVolumes(volumes, tmp_path)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert volumes["t1c"].GetStorageNode() is storage
    np.testing.assert_allclose(worldAffine(volumes["t1c"]), shift_and_turn() @ oblique_affine(), atol=1e-9)


def test_left_handed_axes_are_kept(tmp_path: Path) -> None:
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    volumes = {
        role: add_volume(role, np.ones((2, 3, 4), np.int16), mirrored)
        for role in ("t1n", "t1c", "t2w", "t2f")
    }
    _voxels, affine = read(exportVolumes(volumes, tmp_path)["t1c"])
    np.testing.assert_allclose(affine, mirrored)


def test_a_transform_may_scale(tmp_path: Path) -> None:
    scale = np.diag([1.0, 2.0, 0.5, 1.0])
    volumes = {
        role: add_volume(role, np.ones((2, 3, 4), np.int16), np.eye(4), add_transform(scale))
        for role in ("t1n", "t1c", "t2w", "t2f")
    }
    _voxels, affine = read(exportVolumes(volumes, tmp_path)["t1c"])
    np.testing.assert_allclose(affine, scale)


def test_a_nonlinear_transform_is_refused_by_name() -> None:
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    volume = add_volume("T2", np.ones((2, 3, 4), np.int16), transform=warp)
    with pytest.raises(ValueError, match=r"T2 is under the non-linear transform Warp\. Harden"):
        worldAffine(volume)


def test_a_linear_transform_under_a_nonlinear_one_is_refused() -> None:
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    inner = add_transform(shift_and_turn(), parent=warp)
    with pytest.raises(ValueError, match="non-linear"):
        worldAffine(add_volume("T2", np.ones((2, 3, 4), np.int16), transform=inner))


def test_shear_is_refused() -> None:
    shear = np.eye(4)
    shear[0, 1] = 0.2
    with pytest.raises(ValueError, match="T2 are not at right angles"):
        worldAffine(add_volume("T2", np.ones((2, 3, 4), np.int16), np.eye(4), add_transform(shear)))


def test_a_node_without_voxels_is_refused() -> None:
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    with pytest.raises(ValueError, match="T1 has no voxels"):
        worldAffine(empty)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Patient t1n could not be written"):
        exportVolumes(add_case(), tmp_path / "absent")
