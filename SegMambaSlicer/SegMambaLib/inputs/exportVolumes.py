"""Volume nodes as files that lie where Slicer shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from slicer.i18n import tr as _

from .roles import ROLES

_LARGEST_COSINE_BETWEEN_AXES = 1e-3


def exportVolumes(volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode], folder: Path) -> dict[str, Path]:
    """Write one NRRD file a role into the folder, in world coordinates, and return the paths.

    The voxels are written as they are: a linear parent transform goes into the file's affine, nothing is
    resampled.
    Raises ValueError as `worldAffine` does, RuntimeError when a file cannot be written.
    """
    files = {role: folder / f"{role}.nrrd" for role in ROLES if role in volumes}
    for role, path in files.items():
        exportVolume(volumes[role], path)
    return files


def exportVolume(volume: slicer.vtkMRMLScalarVolumeNode, path: Path) -> None:
    """Write one volume as NRRD, in world coordinates; raises as `exportVolumes`."""
    # A node outside the scene: it shares the voxels and has an affine of its own.
    inWorld = slicer.vtkMRMLScalarVolumeNode()
    inWorld.SetAndObserveImageData(volume.GetImageData())
    inWorld.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(worldAffine(volume)))
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    storage.SetUseCompression(False)  # the file lives for a minute
    if not storage.WriteData(inWorld):
        raise RuntimeError(
            _("The volume {name} could not be written to {path}. Is the disk full?").format(
                name=volume.GetName(), path=path
            )
        )


def worldAffine(volume: slicer.vtkMRMLScalarVolumeNode) -> NDArray[np.float64]:
    """Return the 4 x 4 affine from voxel indices (i, j, k, 1) to world RAS millimetres, transforms included.

    Raises ValueError for a node without voxels, and as `affineToWorld`.
    """
    if volume.GetImageData() is None or volume.GetImageData().GetNumberOfPoints() == 0:
        raise ValueError(_("The volume {name} has no voxels.").format(name=volume.GetName()))
    ijkToLocal = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(ijkToLocal)
    return affineToWorld(volume, slicer.util.arrayFromVTKMatrix(ijkToLocal))


def affineToWorld(
    node: slicer.vtkMRMLTransformableNode, ijkToLocal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the affine that takes voxel indices of a node's image to the world, its parent transforms included.

    ijkToLocal: 4 x 4, to the node's own RAS coordinates.
    Raises ValueError under a non-linear transform, and for sheared axes: no affine file can say where such
    voxels lie, and resampling is the user's decision.
    """
    localToWorld = vtk.vtkMatrix4x4()
    transform = node.GetParentTransformNode()
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            raise ValueError(
                _(
                    "{name} is under the non-linear transform {transform}. Harden the transform or remove it "
                    "from {name}, in the Transforms module."
                ).format(name=node.GetName(), transform=transform.GetName())
            )
        transform.GetMatrixTransformToWorld(localToWorld)
    affine = slicer.util.arrayFromVTKMatrix(localToWorld) @ ijkToLocal
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > _LARGEST_COSINE_BETWEEN_AXES:
        raise ValueError(
            _(
                "The axes of {name} are not at right angles (gantry tilt or a shearing transform). Harden its "
                "transform, or resample it onto another volume."
            ).format(name=node.GetName())
        )
    return affine
