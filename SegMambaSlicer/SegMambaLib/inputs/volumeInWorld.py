"""A volume node as SegMambaCore knows volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ..core import makeCoreImportable
from .exportVolumes import worldAffine

if TYPE_CHECKING:
    from SegMambaCore.volume.volume import Volume


def volumeInWorld(node: slicer.vtkMRMLScalarVolumeNode) -> Volume:
    """Return a volume node's voxels, not copied, where they lie in world RAS. Raises ValueError as `worldAffine`."""
    makeCoreImportable()
    from SegMambaCore.volume.volume import Volume

    affine = worldAffine(node)
    return Volume(slicer.util.arrayFromVolume(node), affine, node.GetName())
