"""One run of the command beside Slicer: started, polled, cancelled, ended with a result or a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import IO, Protocol

from slicer.i18n import tr as _

from .processTree import ProcessTree
from .progressEvents import (
    ErrorEvent,
    PhaseEvent,
    ProgressEvent,
    ResultEvent,
    TransformEvent,
    WarningEvent,
    parseEvent,
)


class RunState(Enum):
    """RUNNING -> SUCCEEDED | FAILED, or RUNNING -> CANCELLING -> CANCELLED."""

    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def isOver(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class Process(Protocol):
    """What a run needs of the program it started; `ProcessTree` is the real one."""

    def exitCode(self) -> int | None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def wait(self, seconds: float) -> None: ...


StartProcess = Callable[[Sequence[str], Mapping[str, str], Path, IO[bytes], IO[bytes]], Process]

SECONDS_TO_STOP = 3.0
"""How long a cancelled program may take to clean up before it is killed."""


class SegmentationRun:
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

        Python imports from the working folder first: Slicer's own could hold anything. The output goes to
        files, not pipes: a pipe needs a thread that empties it, and stays open as long as any descendant
        lives. Raises RuntimeError when the command cannot be started.
        """
        self.state = RunState.RUNNING
        self.phase: PhaseEvent | None = None
        self.progress: ProgressEvent | None = None
        self.warnings: list[str] = []
        self.result: ResultEvent | None = None
        self.transform: TransformEvent | None = None
        self.errorMessage = ""
        self._outputPath = folder / "events.jsonl"
        self._messagesPath = folder / "messages.txt"
        self._bytesRead = 0
        self._cancelledAt = 0.0
        with self._outputPath.open("wb") as output, self._messagesPath.open("wb") as messages:
            try:
                self._process = startProcess(command, environment, folder, output, messages)
            except OSError as error:
                reason = _("The program {program} cannot be started: {reason}.")
                raise RuntimeError(
                    reason.format(program=command[0], reason=error.strerror or error)
                ) from error

    def poll(self) -> RunState:
        """Take in what the program said since the last call, and return the state."""
        if self.state.isOver:
            return self.state
        exitCode = self._process.exitCode()
        # After the exit code: what was printed before the end is then in the file.
        self._readEvents()
        if exitCode is not None:
            self._process.kill()  # a crash may leave worker processes behind
            self._finish(exitCode)
        elif self.state is RunState.CANCELLING and time.monotonic() - self._cancelledAt > SECONDS_TO_STOP:
            self._process.kill()
        return self.state

    def cancel(self) -> None:
        """Ask the program to stop; returns at once, `poll` goes on to CANCELLED."""
        if self.state is RunState.RUNNING:
            self.state = RunState.CANCELLING
            self._cancelledAt = time.monotonic()
            self._process.terminate()

    def stopNow(self) -> None:
        """End the program before returning: for the moment when Slicer itself ends."""
        if not self.state.isOver:
            self._process.kill()
            self._process.wait(SECONDS_TO_STOP)
            self.state = RunState.CANCELLED

    def _readEvents(self) -> None:
        with self._outputPath.open("rb") as output:
            output.seek(self._bytesRead)
            text = output.read()
        # The last line may still be in the making.
        complete = text[: text.rfind(b"\n") + 1]
        self._bytesRead += len(complete)
        for line in complete.splitlines():
            self._takeIn(line)

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

    def _finish(self, exitCode: int) -> None:
        if self.state is RunState.CANCELLING:
            self.state = RunState.CANCELLED
        elif self._isComplete(exitCode):
            self.state = RunState.SUCCEEDED
        else:
            self.state = RunState.FAILED
            self.errorMessage = self.errorMessage or self._reasonWithoutErrorEvent(exitCode)

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
