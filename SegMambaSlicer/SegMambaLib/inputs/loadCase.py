"""Loading what a person has as a folder: the files of one case, or a patient's DICOM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..core import makeCoreImportable
from .loadDicom import loadDicomFolder
from .loadVolume import loadVolume

MOST_VOLUMES = 12
"""More than two or three scans of one patient: the folder holds several patients."""


def loadCase(
    paths: Sequence[Path], onProgress: Callable[[str], None] = lambda text: None
) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Load the volumes among files and folders that could be one of the four contrasts, and return their nodes.

    paths: NIfTI, NRRD, MHA or MHD files; folders with such files, else with DICOM at any depth. Masks, maps and
    other sequences stay where they are. onProgress: gets a line of text before each step.
    Raises ValueError when there is nothing to load or too much, RuntimeError when a file cannot be read.
    """
    images = [image for path in paths for image in _imagesIn(path)]
    if not images:
        return [
            node
            for path in paths
            if path.is_dir()
            for node in loadDicomFolder(path, MOST_VOLUMES, onProgress)
        ]
    wanted = _wanted(images)
    nodes = []
    for number, image in enumerate(wanted, start=1):
        onProgress(_("Loading {number} of {count}").format(number=number, count=len(wanted)))
        nodes.append(loadVolume(image))
    return nodes


def _imagesIn(path: Path) -> list[Path]:
    makeCoreImportable()
    from SegMambaCore.case.find import image_files

    if not path.exists():
        raise ValueError(_("There is no such file or folder: {path}").format(path=path))
    if path.is_file():
        return [image for image in image_files(path.parent) if image == path]
    return image_files(path) or [image for folder in _foldersIn(path) for image in image_files(folder)]


def _foldersIn(path: Path) -> list[Path]:
    """Return the folders up to three levels below: a whole disk that was dropped must not be searched."""
    return [
        folder for depth in ("*/", "*/*/", "*/*/*/") for folder in sorted(path.glob(depth)) if folder.is_dir()
    ]


def _wanted(images: list[Path]) -> list[Path]:
    """Return the files whose names say that they could be one of the four; all of them where none says so."""
    from SegMambaCore.case.find import series_of_file
    from SegMambaCore.case.recognise import assign_roles

    choices = assign_roles([series_of_file(image.name) for image in images])
    indices = sorted({index for choice in choices.values() for index in choice.candidates})
    wanted = [images[index] for index in indices] or images
    if len(wanted) > MOST_VOLUMES:
        raise ValueError(
            _("There are {count} volumes. Give the folder of one patient at one time.").format(
                count=len(wanted)
            )
        )
    return wanted
