"""pip as a program beside Slicer: Slicer's own way where it has one, PythonSlicer -m pip before that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import slicer
from slicer.i18n import tr as _

from ..run.lineRun import LineRun
from ..run.program import Program
from ..run.programRun import RunState
from ..run.temporaryFolder import temporaryVariables


class PipRun(Protocol):
    """One call of pip install. `LineRun` is the one for older Slicers."""

    state: RunState
    lines: list[str]

    def poll(self) -> RunState: ...
    def cancel(self) -> None: ...
    def stopNow(self) -> None: ...


def startPip(arguments: Sequence[str], constraints: Path, program: Program) -> PipRun:
    """Start pip install with these arguments, and return at once. The constraints' folder is its working folder.

    Raises RuntimeError when another installation is going on, or pip cannot be started.
    """
    # The network may ask for a password, the terminal for an answer: there is nobody to give either.
    arguments = ["--no-input", "--disable-pip-version-check", "--only-binary", ":all:", *arguments]
    if _hasSlicerPackaging():
        return _SlicersPip(arguments, constraints)
    command = [program.python, "-m", "pip", "install", *arguments, "--constraint", str(constraints)]
    return LineRun(command, program.environment, constraints.parent)


def _hasSlicerPackaging() -> bool:
    # By its function, not by Slicer's version: early builds had a slicer.packaging with other contents.
    try:
        import slicer.packaging
    except ImportError:
        return False
    return hasattr(slicer.packaging, "pip_ensure")


class _SlicersPip:
    """slicer.packaging.pip_install without its windows: they are modal, and have no sizes and no cancel.

    Slicer calls back from its own event loop, so that all of this happens in the main thread.
    """

    def __init__(self, arguments: Sequence[str], constraints: Path) -> None:
        if slicer.packaging.isPipInstallInProgress():
            raise RuntimeError(
                _("Slicer is installing packages for another module. Try again when it is done.")
            )
        self.state = RunState.RUNNING
        self.lines: list[str] = []
        self._constraints = str(constraints)
        with _variables(temporaryVariables(constraints.parent)):
            slicer.packaging.pip_install(
                list(arguments),
                constraints=constraints,
                blocking=False,
                show_progress=False,
                requester="SegMamba",
                logCallback=self.lines.append,
                completedCallback=self._completed,
            )

    def poll(self) -> RunState:
        return self.state

    def cancel(self) -> None:
        if self.state is RunState.RUNNING:
            self.state = RunState.CANCELLING
            endProcessesWith(self._constraints)

    def stopNow(self) -> None:
        self.cancel()
        self.state = RunState.CANCELLED

    def _completed(self, exitCode: int) -> None:
        if self.state is RunState.CANCELLING:
            self.state = RunState.CANCELLED
        elif self.state is RunState.RUNNING:
            self.state = RunState.FAILED if exitCode else RunState.SUCCEEDED


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Let a program that is started meanwhile have these environment variables: Slicer hands on its own.

    A pip that was cancelled leaves what it had downloaded, gigabytes, in its temporary folder, which so is ours.
    """
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def endProcessesWith(argument: str) -> None:
    """End the programs with this text in their command line: Slicer starts pip and does not say which it is.

    argument: the path of a file in a temporary folder of our own, which nobody else names.
    """
    for number in _processesWith(argument):
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(number)],
                capture_output=True,
                check=False,
                creationflags=subprocess.CREATE_NO_WINDOW,
            )
        else:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _processesWith(argument: str) -> list[int]:
    if sys.platform == "win32":
        # The text comes in a variable: in the command line, PowerShell would find itself.
        script = (
            "Get-CimInstance Win32_Process | Where-Object { $_.CommandLine -and "
            "$_.CommandLine.Contains($env:SEGMAMBA_ARGUMENT) } | ForEach-Object { $_.ProcessId }"
        )
        done = subprocess.run(
            ["powershell", "-NoProfile", "-NonInteractive", "-Command", script],
            env={**os.environ, "SEGMAMBA_ARGUMENT": argument},
            capture_output=True,
            text=True,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
        return [int(word) for word in done.stdout.split() if word.isdigit()]
    done = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,command="], capture_output=True, text=True, check=False
    )
    lines = (line.strip().partition(" ") for line in done.stdout.splitlines())
    return [int(number) for number, _space, command in lines if argument in command]
