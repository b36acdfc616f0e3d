"""One program beside Slicer: started, polled, cancelled, ended. What it prints is for those who build on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import IO, Protocol

from slicer.i18n import tr as _

from .processTree import ProcessTree


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


class ProgramRun:
    """state holds what was known at the last `poll`, which returns at once and is meant for a timer.

    A subclass says what a line of output means (`_takeIn`) and what the end does (`_finish`).
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        outputPath: Path,
        messagesPath: Path,
        startProcess: StartProcess = ProcessTree,
    ) -> None:
        """Start the command. folder: an existing one, its working folder. The paths: where its two outputs go.

        Python imports from the working folder first: Slicer's own could hold anything. The output goes to
        files, not pipes: a pipe needs a thread that empties it, and stays open as long as any descendant
        lives. Raises RuntimeError when the command cannot be started.
        """
        self.state = RunState.RUNNING
        self._outputPath = outputPath
        self._bytesRead = 0
        self._cancelledAt = 0.0
        with ExitStack() as files:
            output = files.enter_context(outputPath.open("wb"))
            same = messagesPath == outputPath
            messages = output if same else files.enter_context(messagesPath.open("wb"))
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
        self._readLines(isOver=exitCode is not None)
        if exitCode is not None:
            self._process.kill()  # a crash may leave worker processes behind
            if self.state is RunState.CANCELLING:
                self.state = RunState.CANCELLED
            else:
                self.state = self._finish(exitCode)
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

    def _takeIn(self, line: bytes) -> None:
        raise NotImplementedError

    def _finish(self, exitCode: int) -> RunState:
        raise NotImplementedError

    def _readLines(self, isOver: bool) -> None:
        with self._outputPath.open("rb") as output:
            output.seek(self._bytesRead)
            text = output.read()
        if not isOver:
            text = text[: text.rfind(b"\n") + 1]  # the last line may still be in the making
        self._bytesRead += len(text)
        for line in text.splitlines():
            self._takeIn(line)
