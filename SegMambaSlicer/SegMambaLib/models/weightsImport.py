"""PyTorch weights turned into a model, beside Slicer: `python -m SegMambaCore import-weights`."""

from __future__ import annotations

from pathlib import Path

from slicer.i18n import tr as _

from ..run.lineRun import LineRun
from ..run.program import Program
from ..run.programRun import RunState
from ..run.temporaryFolder import makeFolder, removeFolder


class WeightsImport:
    """path: of the weights. name: of the model that it makes. state, errorMessage: as of the last `poll`.

    Needs the packages.
    """

    def __init__(self, path: Path, name: str, program: Program, temporaryPath: Path) -> None:
        """Start. Nothing in the file is executed. Raises RuntimeError when the program cannot be started."""
        self.path, self.name = path, name
        self.errorMessage = ""
        self._folder = makeFolder(temporaryPath)
        command = [program.python, "-m", "SegMambaCore", "import-weights", str(path), "--name", name]
        try:
            self._run = LineRun(command, program.environment, self._folder)
        except RuntimeError:
            removeFolder(self._folder)
            raise
        self.state = self._run.state

    def poll(self) -> RunState:
        """Look how it is getting on."""
        if not self.state.isOver:
            self.state = self._run.poll()
            if self.state is RunState.FAILED:
                lines = [line for line in self._run.lines if line.strip()]
                self.errorMessage = "\n".join(lines[-3:]) or _("The import ended without a reason.")
            if self.state.isOver:
                removeFolder(self._folder)
        return self.state

    def cancel(self) -> None:
        """Ask it to stop; nothing is left of it."""
        self._run.cancel()

    def stopNow(self) -> None:
        """End it before returning."""
        if not self.state.isOver:
            self._run.stopNow()
            self.state = RunState.CANCELLED
            removeFolder(self._folder)
