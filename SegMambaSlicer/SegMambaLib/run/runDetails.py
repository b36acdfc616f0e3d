"""What somebody who helps with a failed run needs to know, without what tells whose brain it was."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import slicer

_PACKAGES = ("torch", "numpy", "SimpleITK", "numba", "safetensors", "psutil")
_MOST_LINES = 60


def runDetails(message: str, command: Sequence[str], folder: Path) -> str:
    """Return the message, the command, what it printed, its report and the versions, as text.

    folder: the run's, with its files. The message has to name files, not volume nodes: those carry the names of
    patients.
    """
    parts = [message, versions(), f"Command: {' '.join(command)}"]
    for title, name in (
        ("Events", "events.jsonl"),
        ("Messages", "messages.txt"),
        ("Report", "output/report.json"),
    ):
        if text := _lastLines(folder / name):
            parts.append(f"{title}:\n{text}")
    return "\n\n".join(parts).replace(str(Path.home()), "~") + "\n"


def versions() -> str:
    """Return one line for each of Slicer, the system, Python, and the packages that the command needs."""
    application = slicer.app
    lines = [
        f"{application.applicationName} {application.applicationVersion} (revision {application.revision})",
        platform.platform(),
        f"Python {sys.version.split()[0]}",
    ]
    return "\n".join([*lines, ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)])


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _lastLines(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-_MOST_LINES:])
