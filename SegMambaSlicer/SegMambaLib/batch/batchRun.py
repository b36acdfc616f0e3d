"""The batch command beside Slicer."""

from __future__ import annotations

from pathlib import Path

from slicer.i18n import tr as _

from ..run.processTree import ProcessTree
from ..run.program import Program
from ..run.programRun import StartProcess
from ..run.segmentationRun import SegmentationRun
from ..run.segmentCommand import RunChoices
from ..run.shortCommand import ShortCommand
from ..run.temporaryFolder import temporaryVariables
from .batchEvents import (
    BatchResultEvent,
    FoundPatient,
    OverallEvent,
    PatientEvent,
    PatientsEvent,
    parseBatchEvent,
)

_SOME_FAILED = 3
"""The exit code of a batch that went through, and in which somebody could not be segmented."""


class BatchRun(SegmentationRun):
    """A running batch. changes: the patients' changes of state since `takeChanges`; overall, batchResult: the last."""

    def __init__(
        self,
        program: Program,
        patients: Path,
        output: Path,
        choices: RunChoices,
        folder: Path,
        startProcess: StartProcess = ProcessTree,
    ) -> None:
        """Start. patients, output: as the command takes them; folder: an existing one for what it prints.

        Raises RuntimeError when it cannot be started.
        """
        self.overall: OverallEvent | None = None
        self.batchResult: BatchResultEvent | None = None
        self.command = [
            *(program.python, "-m", "SegMambaCore", "batch", str(patients)),
            *("--output", str(output), "--progress", "json", *choices.arguments),
        ]
        self._changes: list[PatientEvent] = []
        environment = {**program.environment, **temporaryVariables(folder)}
        super().__init__(self.command, environment, folder, startProcess)

    def takeChanges(self) -> list[PatientEvent]:
        """Return the changes of state since the last call, in their order."""
        changes, self._changes = self._changes, []
        return changes

    def _takeIn(self, line: bytes) -> None:
        event = parseBatchEvent(line)
        if isinstance(event, PatientEvent):
            self._changes.append(event)
        elif isinstance(event, OverallEvent):
            self.overall = event
        elif isinstance(event, BatchResultEvent):
            self.batchResult = event
        else:
            super()._takeIn(line)

    def _isComplete(self, exitCode: int) -> bool:
        return exitCode in (0, _SOME_FAILED) and self.batchResult is not None


class PatientSearch:
    """The question who is in a folder, on its way."""

    def __init__(self, program: Program, patients: Path, temporaryPath: Path) -> None:
        """Ask. Raises RuntimeError when the program cannot be started."""
        arguments = ["-m", "SegMambaCore", "batch", str(patients), "--list", "--progress", "json"]
        self._command = ShortCommand(program, arguments, temporaryPath)

    def answer(self) -> tuple[FoundPatient, ...] | None:
        """Return who was found, None until it is known. Raises RuntimeError with the reason when nobody was."""
        if not self._command.isOver():
            return None
        events = [parseBatchEvent(line) for line in self._command.output.splitlines()]
        found = next((event for event in events if isinstance(event, PatientsEvent)), None)
        if found is None:
            raise RuntimeError(_("The list of patients could not be understood."))
        return found.patients

    def stopNow(self) -> None:
        """Ask no more, and leave nothing running."""
        self._command.stopNow()
