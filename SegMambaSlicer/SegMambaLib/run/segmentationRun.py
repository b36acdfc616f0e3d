"""One run of the command beside Slicer: started, polled, cancelled, ended with a result or a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from slicer.i18n import tr as _

from .processTree import ProcessTree
from .programRun import ProgramRun, RunState, StartProcess
from .progressEvents import (
    ErrorEvent,
    PhaseEvent,
    ProgressEvent,
    ResultEvent,
    TransformEvent,
    WarningEvent,
    parseEvent,
)


class SegmentationRun(ProgramRun):
    """A program that reports progress events, seen from outside.

    state, phase (the last PhaseEvent), progress (the phase's last ProgressEvent), warnings, result or, of a
    registration, transform, and errorMessage hold what was known at the last `poll`, which returns at once and
    is meant for a timer.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        startProcess: StartProcess = ProcessTree,
    ) -> None:
        """Start the command. folder: an existing one for what it prints, and its working folder.

        Raises RuntimeError when the command cannot be started.
        """
        self.phase: PhaseEvent | None = None
        self.progress: ProgressEvent | None = None
        self.warnings: list[str] = []
        self.result: ResultEvent | None = None
        self.transform: TransformEvent | None = None
        self.errorMessage = ""
        self._messagesPath = folder / "messages.txt"
        super().__init__(
            command, environment, folder, folder / "events.jsonl", self._messagesPath, startProcess
        )

    def _takeIn(self, line: bytes) -> None:
        event = parseEvent(line)
        if isinstance(event, PhaseEvent):
            self.phase, self.progress = event, None
        elif isinstance(event, ProgressEvent):
            self.progress = event
        elif isinstance(event, WarningEvent):
            self.warnings.append(event.message)
        elif isinstance(event, ErrorEvent):
            self.errorMessage = event.message
        elif isinstance(event, ResultEvent):
            self.result = event
        elif isinstance(event, TransformEvent):
            self.transform = event

    def _isComplete(self, exitCode: int) -> bool:
        return exitCode == 0 and bool(self.result or self.transform)

    def _finish(self, exitCode: int) -> RunState:
        if self._isComplete(exitCode):
            return RunState.SUCCEEDED
        self.errorMessage = self.errorMessage or self._reasonWithoutErrorEvent(exitCode)
        return RunState.FAILED

    def _reasonWithoutErrorEvent(self, exitCode: int) -> str:
        text = self._messagesPath.read_bytes().decode("utf-8", errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return "\n".join(lines[-3:])
        if exitCode == _KILLED:
            return _("The computer ended the segmentation, probably because it ran out of memory.")
        return _("The segmentation ended without a result and without a reason (exit code {code}).").format(
            code=exitCode
        )


_KILLED = -9
