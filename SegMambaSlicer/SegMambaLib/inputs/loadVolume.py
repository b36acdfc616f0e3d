"""One image file as a volume node."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _


def loadVolume(path: Path) -> slicer.vtkMRMLScalarVolumeNode:
    """Load a NIfTI, NRRD, MHA or MHD file and nothing beside it. Raises RuntimeError when it cannot be read."""
    try:
        return slicer.util.loadVolume(str(path), {"singleFile": True})
    except RuntimeError as error:
        raise RuntimeError(
            _("{path} could not be loaded. Is it damaged? Slicer's error log says more.").format(path=path)
        ) from error
