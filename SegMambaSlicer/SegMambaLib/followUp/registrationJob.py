"""Scans registered to a fixed one, one after the other, by a program beside Slicer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from ..inputs.exportVolumes import exportVolume, worldAffine
from ..run.program import Program
from ..run.programRun import RunState
from ..run.segmentationRun import SegmentationRun
from ..run.temporaryFolder import makeFolder, removeFolder, temporaryVariables
from .layScan import layScan
from .scan import Scan


class RegistrationJob:
    """state and errorMessage: of the whole job. number, total: which scan is being registered, of how many.

    run: the program's progress. warnings: sentences for the user. A scan is laid onto the fixed one as soon as its
    program has ended; a cancel or an error leaves those laid before.
    """

    def __init__(self, fixed: Scan, moving: Sequence[Scan], program: Program, temporaryPath: Path) -> None:
        """Export the fixed scan's reference volume and start with the first of the others.

        temporaryPath: an existing folder; what is written there is removed when the job is over.
        Raises ValueError for a scan without volume or under a transform that bends or shears, RuntimeError when
        the export or the start fails.
        """
        for scan in (fixed, *moving):
            _reference(scan)
        self.state = RunState.RUNNING
        self.errorMessage = ""
        self.warnings: list[str] = []
        self.number, self.total = 0, len(moving)
        self._fixedName = fixed.name
        self._moving = list(moving)
        self._program = program
        self._folder = makeFolder(temporaryPath)
        self._names = {"fixed.nrrd": _reference(fixed).GetName()}
        try:
            exportVolume(_reference(fixed), self._folder / "fixed.nrrd")
            self._startNext()
        except BaseException:
            removeFolder(self._folder)
            raise

    def poll(self) -> RunState:
        """Return the state; the call that sees a program's success moves the scan."""
        if self.state.isOver:
            return self.state
        state = self.run.poll()
        try:
            if state is RunState.SUCCEEDED:
                self._layCurrent()
                if self.number < self.total:
                    self._startNext()
                else:
                    self.state = state
            elif state is RunState.FAILED:
                self._fail(self.run.errorMessage)
            else:
                self.state = state
        except (ValueError, RuntimeError) as error:
            self._fail(str(error))
        if self.state.isOver:
            removeFolder(self._folder)
        return self.state

    def cancel(self) -> None:
        """Ask the program to stop; `poll` goes on to CANCELLED."""
        if not self.state.isOver:
            self.run.cancel()
            self.state = self.run.state

    def stopNow(self) -> None:
        """End the program and remove its files before returning: for the moment when Slicer itself ends."""
        if not self.state.isOver:
            self.run.stopNow()
            self.state = RunState.CANCELLED
            removeFolder(self._folder)

    def _startNext(self) -> None:
        scan = self._moving[self.number]
        self.number += 1
        reference = _reference(scan)
        moving, folder = self._folder / "moving.nrrd", self._folder / str(self.number)
        folder.mkdir()
        exportVolume(reference, moving)
        self._names["moving.nrrd"] = reference.GetName()
        self._exportedAffine = worldAffine(reference)
        command = [
            *(self._program.python, "-m", "SegMambaCore", "register", "--progress", "json"),
            *("--fixed", str(self._folder / "fixed.nrrd"), "--moving", str(moving)),
            *("--output", str(folder / "moving_to_fixed.tfm")),
        ]
        environment = {**self._program.environment, **temporaryVariables(self._folder)}
        self.run = SegmentationRun(command, environment, folder)

    def _layCurrent(self) -> None:
        scan = self._moving[self.number - 1]
        self.warnings += [self._withNames(warning) for warning in self.run.warnings]
        if not slicer.mrmlScene.IsNodePresent(scan.segmentation) or scan.reference is None:
            raise RuntimeError(_("A scan was removed while it was registered."))
        assert self.run.transform is not None
        # Had the user moved it meanwhile, the motion found would be that of where it was.
        movedBack = self._exportedAffine @ np.linalg.inv(worldAffine(scan.reference))
        layScan(scan, np.array(self.run.transform.matrix) @ movedBack, self._fixedName)

    def _fail(self, message: str) -> None:
        self.state = RunState.FAILED
        self.errorMessage = self._withNames(message)

    def _withNames(self, message: str) -> str:
        """Name the nodes where the command named the exported files."""
        for file, name in self._names.items():
            message = message.replace(str(self._folder / file), name).replace(file, name)
        return message


def _reference(scan: Scan) -> slicer.vtkMRMLScalarVolumeNode:
    if scan.reference is None:
        raise ValueError(
            _("The volume on which {name} was segmented is not in the scene.").format(
                name=scan.segmentation.GetName()
            )
        )
    worldAffine(scan.reference)
    return scan.reference
