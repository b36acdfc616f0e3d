"""The synthetic case in Slicer's Sample Data module: made on this computer, nothing is downloaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from .inputs.roles import ROLES
from .run.program import findProgram
from .run.shortCommand import ShortCommand

NAME = "SegMambaSample"

# Not the command: that wants packages which a fresh Slicer lacks. This needs numpy and SimpleITK, which it has.
_CODE = """
import sys
from SegMambaCore.errors import SegMambaError
from SegMambaCore.sample.write import write_sample
try:
    write_sample(sys.argv[1])
except SegMambaError as error:
    sys.exit(str(error))
"""


def registerSampleData(thumbnail: Path) -> None:
    """Offer the case. To be called when Slicer has started: the Sample Data module is one of Slicer's."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="SegMamba",
        sampleName=NAME,
        uris="",  # never opened: the downloader below makes the files
        fileNames=NAME,
        nodeNames=NAME,
        thumbnailFileName=str(thumbnail),
        customDownloader=_load,
    )


def _load(_source: object) -> list[slicer.vtkMRMLScalarVolumeNode]:
    # Another module's button: there is no panel of ours to say it in.
    with slicer.util.tryWithErrorDisplay(_("The sample case could not be loaded."), waitCursor=False):
        return loadSample()
    return []


def loadSample() -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Make the case, load its four volumes and return them in the order of the roles.

    Takes a few seconds, in which Slicer goes on drawing. Raises RuntimeError when it cannot be made.
    """
    with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
        files = makeSample(Path(folder))
        volumes = [slicer.util.loadVolume(str(files[role])) for role in ROLES]
        for volume in volumes:
            # The files go away with the folder: a saved scene has to write its own.
            slicer.mrmlScene.RemoveNode(volume.GetStorageNode())
    return volumes


def makeSample(folder: Path) -> dict[str, Path]:
    """Write the case into a folder and return its files by role, and the true label map as "seg".

    Raises RuntimeError when it cannot be made.
    """
    temporaryPath = Path(slicer.app.temporaryPath)
    command = ShortCommand(findProgram(), ["-c", _CODE, str(folder)], temporaryPath)
    try:
        command.wait(slicer.app.processEvents)
    except RuntimeError as error:
        raise RuntimeError(_("The sample case could not be made. {reason}").format(reason=error)) from error
    return {name: folder / f"Sample-{name}.nii.gz" for name in (*ROLES, "seg")}
