"""One program beside Slicer whose output is lines of text: started, polled, cancelled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from slicer.i18n import tr as _

from .processTree import ProcessTree
from .segmentationRun import SECONDS_TO_STOP, RunState


class LineRun:
    """state, lines and exitCode hold what was known at the last `poll`, which returns at once.

    SUCCEEDED: it ended with exit code 0. FAILED: with another.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        """Start the command. folder: an existing one for what it prints, and its working folder.

        Raises RuntimeError when the command cannot be started.
        """
        self.state = RunState.RUNNING
        self.lines: list[str] = []
        self.exitCode: int | None = None
        self._outputPath = folder / "output.txt"
        self._bytesRead = 0
        self._cancelledAt = 0.0
        with self._outputPath.open("wb") as output:
            try:
                self._process = ProcessTree(command, environment, folder, output, output)
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
        self._readLines(isOver=exitCode is not None)
        if exitCode is not None:
            self._process.kill()  # what it started and left behind
            self.exitCode = exitCode
            if self.state is RunState.CANCELLING:
                self.state = RunState.CANCELLED
            else:
                self.state = RunState.FAILED if exitCode else RunState.SUCCEEDED
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

    def _readLines(self, isOver: bool) -> None:
        with self._outputPath.open("rb") as output:
            output.seek(self._bytesRead)
            text = output.read()
        if not isOver:
            text = text[: text.rfind(b"\n") + 1]  # the last line may still be in the making
        self._bytesRead += len(text)
        self.lines += text.decode("utf-8", errors="replace").splitlines()
