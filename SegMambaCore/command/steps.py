"""The phases of one segmentation: announced, timed, and the places where it can stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from SegMambaCore.command.progress import Phase, Progress
from SegMambaCore.errors import CancelledError


class Steps:
    """Announces the phases, takes their time, and stops between them when asked to.

    started: when this object was made, with the time zone.
    """

    def __init__(self, progress: Progress, is_cancelled: Callable[[], bool]) -> None:
        self.progress = progress
        self.is_cancelled = is_cancelled
        self.started = datetime.now().astimezone()
        self._starts: list[tuple[Phase, float]] = []

    def begin(self, phase: Phase) -> None:
        """A phase begins, and the one before it is over. Raises CancelledError."""
        self.stop_if_cancelled()
        self._starts.append((phase, time.perf_counter()))
        self.progress.phase(phase)

    def progress_of_phase(self, done: int, total: int) -> None:
        """So many units of the phase are done; the rest is taken to be as fast."""
        elapsed = time.perf_counter() - self._starts[-1][1]
        self.progress.progress(done, total, elapsed / done * (total - done) if done else 0.0)

    def stop_if_cancelled(self) -> None:
        """Raise CancelledError when the user asked to stop."""
        if self.is_cancelled():
            raise CancelledError

    def seconds(self) -> dict[str, float]:
        """Wall time by phase, up to now."""
        ends = [start for _, start in self._starts[1:]] + [time.perf_counter()]
        return {phase: end - start for (phase, start), end in zip(self._starts, ends, strict=True)}
