"""Programs as a user starts them: their wall time, their memory, and when they said what."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from SegMambaCore.errors import SegMambaError


@dataclass(frozen=True)
class Finished:
    """A program that ended well.

    seconds: from its start to its end. peak_gb: resident memory at its peak, GB. events: the lines of JSON on
    its standard output, each with the seconds after the start.
    """

    seconds: float
    peak_gb: float
    events: list[tuple[float, dict[str, Any]]]

    def first(self, event: str, **values: object) -> float:
        """Return when an event with these values first came. Raises SegMambaError when it never did."""
        for seconds, fields in self.events:
            if fields.get("event") == event and all(
                fields.get(key) == value for key, value in values.items()
            ):
                return seconds
        raise SegMambaError(f"The program never told of {event} {values}.")


def run_python(arguments: Sequence[str]) -> Finished:
    """Run this Python with arguments. Raises SegMambaError with what it said when it fails."""
    command = [sys.executable, *arguments]
    with tempfile.TemporaryFile() as messages:
        start = time.perf_counter()
        process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=messages, text=True)
        memory = _PeakMemory(process)
        events = [(time.perf_counter() - start, _parsed(line)) for line in process.stdout]
        process.wait()
        seconds = time.perf_counter() - start
        peak = memory.stop()
        if process.returncode:
            messages.seek(0)
            said = messages.read().decode(errors="replace").strip().splitlines()[-3:]
            raise SegMambaError(
                f"The command failed with exit code {process.returncode}: {' '.join(command)}\n"
                + "\n".join(said)
            )
    return Finished(seconds, peak / 1e9, [(when, event) for when, event in events if event])


def _parsed(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class _PeakMemory:
    """Looks at a program's memory a hundred times a second."""

    def __init__(self, process: psutil.Popen) -> None:
        self._process = process
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        """Return the peak in bytes."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            try:
                self._peak = max(self._peak, self._process.memory_info().rss)
            except psutil.Error:
                return
