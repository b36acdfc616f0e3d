"""What is told of a prediction while it runs, and where a cancel gets through."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import torch

from SegMambaCore.errors import CancelledError

OnProgress = Callable[[int, int, float], None]
"""Called with the units done, their total, and the seconds left."""

IsCancelled = Callable[[], bool]

AHEAD = 2
"""Batches that a GPU has in its queue while the next is launched: it never waits for the computer, and what is told
of it, and a cancel, are at most so far off.
"""


class Progress:
    """Turns finished passes, and steps inside a pass, into calls of on_progress; passes a cancel on."""

    def __init__(
        self,
        passes: int,
        units: int,
        device: torch.device,
        on_progress: OnProgress | None,
        is_cancelled: IsCancelled,
    ) -> None:
        """passes: how many there will be; units: progress units in each; device: where they run."""
        self._units = units
        self._total = passes * units
        self._device = device
        self._queue: deque[tuple[torch.cuda.Event, int]] = deque()
        self._passes_done = 0
        self._units_told = 0
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled
        self._started = time.perf_counter()

    def inside(self, batch: int, share: float) -> None:
        """This share of the running forward pass, over as many patches as the batch, is done."""
        if self._is_cancelled():
            raise CancelledError
        self._tell(self._passes_done + batch * share)

    def launched(self, passes: int) -> None:
        """As many forward passes were called. On CUDA they are queued by now: waits until few are unfinished."""
        if self._device.type != "cuda":
            self._finish(passes)
            return
        event = torch.cuda.Event(blocking=True)
        event.record(torch.cuda.current_stream(self._device))
        self._queue.append((event, passes))
        self._wait_until_left(AHEAD)

    def all_launched(self) -> None:
        """Nothing more will come: wait for all of it."""
        self._wait_until_left(0)

    def _wait_until_left(self, batches: int) -> None:
        if self._is_cancelled():
            raise CancelledError
        while len(self._queue) > batches:
            event, passes = self._queue.popleft()
            event.synchronize()
            self._finish(passes)

    def _finish(self, passes: int) -> None:
        self._passes_done += passes
        self._tell(self._passes_done)
        if self._is_cancelled():
            raise CancelledError

    def _tell(self, passes: float) -> None:
        units = min(int(passes * self._units + 1e-6), self._total)
        if units == self._units_told or self._on_progress is None:
            return
        self._units_told = units
        elapsed = time.perf_counter() - self._started
        self._on_progress(units, self._total, elapsed * (self._total / (passes * self._units) - 1))
