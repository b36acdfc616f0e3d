"""From the volume nodes to three segments: export, run beside Slicer, import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..inputs.exportVolumes import exportVolumes, worldAffine
from ..inputs.inputCheck import canTakeSegments, problemWithInputs
from ..inputs.roles import referenceRole, roleTitle
from ..result.importSegments import importSegments
from ..result.runHistory import RunHistory
from ..result.segmentedVolumes import rememberVolumes
from .program import Program
from .programRun import RunState
from .progressEvents import ResultEvent
from .runDetails import runDetails
from .segmentationRun import SegmentationRun
from .segmentCommand import RunChoices, segmentCommand
from .temporaryFolder import makeFolder, removeFolder, temporaryVariables


class SegmentationJob:
    """One segmentation of the scene's volumes.

    It survives whatever the user does meanwhile: deleted nodes, a closed scene, a moved transform.
    run: the program's progress, warnings and result.
    state and errorMessage: the whole job's, import included. details: after a failure, what a helper needs to know.
    report: after a success, the command's report.json.
    checkPage: likewise, the PNG that shows the input as the network saw it.
    segmentation: the node with the segments, once SUCCEEDED.
    """

    def __init__(
        self,
        volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        segmentation: slicer.vtkMRMLSegmentationNode | None,
        choices: RunChoices,
        program: Program,
        history: RunHistory,
        temporaryPath: Path,
    ) -> None:
        """Export the volumes and start the command.

        volumes: by role, two at least; None or no entry for a contrast that is missing.
        segmentation: where the result goes, None for a new node.
        history: gets the state of a segmentation that exists already. temporaryPath: an existing folder; what
        is written there is removed when the job is over.
        Raises ValueError for inputs that do not do, RuntimeError when the export or the start fails.
        """
        if problem := problemWithInputs(volumes, segmentation):
            raise ValueError(problem)
        self.segmentation = segmentation
        self.choices = choices
        self.errorMessage = ""
        self.details = ""
        self.report: dict[str, Any] = {}
        self.checkPage = b""
        self._volumes = {role: volume for role, volume in volumes.items() if volume is not None}
        self._names = {role: volume.GetName() for role, volume in self._volumes.items()}
        self._reference = self._volumes[referenceRole(volumes)]
        self._exportedAffine = worldAffine(self._reference)
        self._exportedSize = self._reference.GetImageData().GetDimensions()
        self._history = history
        self._folder = makeFolder(temporaryPath)
        self._output = self._folder / "output"
        try:
            files = exportVolumes(self._volumes, self._folder)
            self._command = segmentCommand(program.python, files, self._output, choices)
            environment = {**program.environment, **temporaryVariables(self._folder)}
            self.run = SegmentationRun(self._command, environment, self._folder)
        except BaseException:
            removeFolder(self._folder)
            raise
        self.state = self.run.state

    def poll(self) -> RunState:
        """Return the state; the call that sees the program's success imports the segments."""
        if self.state.isOver:
            return self.state
        state = self.run.poll()
        if state.isOver:
            try:
                self._end(state)
            finally:
                removeFolder(self._folder)
        else:
            self.state = state
        return self.state

    def cancel(self) -> None:
        """Ask the program to stop; `poll` goes on to CANCELLED and nothing is imported."""
        if not self.state.isOver:
            self.run.cancel()
            self.state = self.run.state

    def stopNow(self) -> None:
        """End the program and remove its files before returning: for the moment when Slicer itself ends."""
        if not self.state.isOver:
            self.run.stopNow()
            self.state = RunState.CANCELLED
            removeFolder(self._folder)

    def _end(self, state: RunState) -> None:
        self.state = RunState.FAILED  # until the import is through
        if state is RunState.SUCCEEDED and self.run.result is not None:
            try:
                self._importResult(self.run.result)
            except RuntimeError as error:
                self.errorMessage = str(error)
                self.details = runDetails(_withoutNames(self._names, str(error)), self._command, self._folder)
                return
        elif state is RunState.FAILED:
            self.errorMessage = self._withVolumeNames(self.run.errorMessage)
            self.details = runDetails(self.run.errorMessage, self._command, self._folder)
        self.state = state

    def _importResult(self, result: ResultEvent) -> None:
        name = self._reference.GetName()
        report = self._readReport(result)
        checkPage = self._readCheckPage(result)
        if not slicer.mrmlScene.IsNodePresent(self._reference):
            raise RuntimeError(
                _("The volume {name} was removed while it was segmented. The result is lost.").format(
                    name=name
                )
            )
        if self._reference.GetImageData().GetDimensions() != self._exportedSize:
            raise RuntimeError(
                _("The volume {name} changed its size while it was segmented. The result is lost.").format(
                    name=name
                )
            )
        existing = self._existingTarget()
        if existing is None:
            newName = slicer.mrmlScene.GenerateUniqueName(_("{name} tumor").format(name=name))
            target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", newName)
        else:
            target = existing
            self._history.saveState(existing, _("Undo last run"))
        try:
            importSegments(self._output / result.segments, target, self._reference, self._exportedAffine)
        except RuntimeError:
            if existing is None:
                slicer.mrmlScene.RemoveNode(target)
            else:
                self._history.undo()
            raise
        rememberVolumes(target, self._volumes)
        self.segmentation = target
        self.report, self.checkPage = report, checkPage

    def _readReport(self, result: ResultEvent) -> dict[str, Any]:
        path = self._output / result.report
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise RuntimeError(_("The report {path} could not be read.").format(path=path)) from error

    def _readCheckPage(self, result: ResultEvent) -> bytes:
        path = self._output / result.check
        try:
            return path.read_bytes()
        except OSError as error:
            raise RuntimeError(_("The picture {path} could not be read.").format(path=path)) from error

    def _existingTarget(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The chosen segmentation; none if it is gone or was put elsewhere meanwhile."""
        chosen = self.segmentation
        if chosen is None or not slicer.mrmlScene.IsNodePresent(chosen):
            return None
        return chosen if canTakeSegments(chosen, self._reference) else None

    def _withVolumeNames(self, message: str) -> str:
        """Name the nodes where the command named the exported files."""
        for role, name in self._names.items():
            for spelling in (str(self._folder / f"{role}.nrrd"), f"{role}.nrrd"):
                message = message.replace(spelling, name)
        return message


def _withoutNames(names: Mapping[str, str], message: str) -> str:
    """Name the roles where a message names volume nodes."""
    for role, name in names.items():
        message = message.replace(name, roleTitle(role)) if name else message
    return message
