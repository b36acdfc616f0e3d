"""A program that can be ended together with everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


class ProcessTree:
    """A running program and its descendants.

    On Linux and macOS they form a session of their own, which a signal reaches as a whole; on Windows
    taskkill walks from parent to child. Both matter: PythonSlicer is a launcher, the Python that computes is
    its child.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> None:
        """Start the command in the folder. Raises OSError when it cannot be started."""
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=_POSIX,
            creationflags=_WITHOUT_WINDOW,
        )

    def exitCode(self) -> int | None:
        """Return None while the program runs; below zero is the signal that ended it."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask all to stop. Windows knows no such request for programs without a window: there it kills."""
        if _POSIX:
            self._signal(signal.SIGTERM)
        else:
            self.kill()

    def kill(self) -> None:
        """End all at once, including those that outlived the program itself."""
        if _POSIX:
            self._signal(signal.SIGKILL)
        else:
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(self._process.pid)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                creationflags=_WITHOUT_WINDOW,
                check=False,
            )

    def wait(self, seconds: float) -> None:
        """Wait until the program has ended, at most this long."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Nobody is left; macOS says "not permitted" where only zombies are.
            return


_POSIX = sys.platform != "win32"
if sys.platform == "win32":
    _WITHOUT_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    _WITHOUT_WINDOW = 0
