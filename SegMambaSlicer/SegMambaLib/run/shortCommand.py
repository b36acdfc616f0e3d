"""A short piece of work beside Slicer, whose printed answer is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from slicer.i18n import tr as _

from .processTree import ProcessTree
from .program import Program
from .temporaryFolder import makeFolder, removeFolder


class ShortCommand:
    """A program that was started; ask `isOver` now and then, then read `output`."""

    def __init__(self, program: Program, arguments: Sequence[str], temporaryPath: Path) -> None:
        """Start the program's Python with the arguments. Raises RuntimeError when that is impossible."""
        self.output = ""
        self._error: str | None = None
        self._folder = makeFolder(temporaryPath)
        command = [program.python, *arguments]
        try:
            with self._file("output").open("wb") as stdout, self._file("messages").open("wb") as stderr:
                self._process = ProcessTree(command, program.environment, self._folder, stdout, stderr)
        except OSError as error:
            removeFolder(self._folder)
            raise RuntimeError(
                _("The program {program} cannot be started: {reason}.").format(
                    program=program.python, reason=error.strerror or error
                )
            ) from error

    def isOver(self) -> bool:
        """Whether the program has ended. Raises RuntimeError with the program's last words when it failed."""
        if self._error is None:
            exitCode = self._process.exitCode()
            if exitCode is None:
                return False
            self.output = self._text("output")
            lines = self._text("messages").strip().splitlines()
            self._error = "" if exitCode == 0 else "\n".join(lines[-3:]) or f"exit code {exitCode}"
            self._removeAll()
        if self._error:
            raise RuntimeError(self._error)
        return True

    def wait(self, onWait: Callable[[], object] = lambda: None) -> str:
        """Wait for the end and return what was printed; errors as `isOver`. onWait: called now and then."""
        try:
            while not self.isOver():
                onWait()
                time.sleep(0.05)
        finally:
            self.stopNow()
        return self.output

    def stopNow(self) -> None:
        """End the program before returning, with all it started and its files."""
        if self._error is None:
            self._error = "stopped"
            self._removeAll()

    def _removeAll(self) -> None:
        self._process.kill()
        self._process.wait(seconds=3)
        removeFolder(self._folder)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.txt"

    def _text(self, name: str) -> str:
        return self._file(name).read_bytes().decode("utf-8", errors="replace")
