"""One program beside Slicer whose output is lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .programRun import ProgramRun, RunState
from .temporaryFolder import temporaryVariables


class LineRun(ProgramRun):
    """lines: what it printed, to either output. exitCode: None until it has ended by itself."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        """Start the command. folder: an existing one for all that it leaves, and its working folder.

        Raises RuntimeError when the command cannot be started.
        """
        self.lines: list[str] = []
        self.exitCode: int | None = None
        path = folder / "output.txt"
        super().__init__(command, {**environment, **temporaryVariables(folder)}, folder, path, path)

    def _takeIn(self, line: bytes) -> None:
        self.lines.append(line.decode("utf-8", errors="replace"))

    def _finish(self, exitCode: int) -> RunState:
        self.exitCode = exitCode
        return RunState.FAILED if exitCode else RunState.SUCCEEDED
