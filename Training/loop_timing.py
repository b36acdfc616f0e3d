"""Where the time of the training loop goes: into drawing batches or into steps, and how busy the GPU is."""

from __future__ import annotations

import time

import torch


class LoopTiming:
    """The times of some steps. On a GPU they are read from its own stream, long after it passed there."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._marks: list[float | torch.cuda.Event] = []

    def mark(self) -> None:
        """Call in turn before a batch is drawn, after that, and after its gradients. The host does not wait."""
        if self._device.type != "cuda":
            self._marks.append(time.perf_counter())
            return
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self._marks.append(event)

    def input_share(self) -> float:
        """Return which share of the time went into drawing batches. Waits for the last mark."""
        drawing = computing = 0.0
        for begun, drawn, done in zip(self._marks[::3], self._marks[1::3], self._marks[2::3], strict=True):
            drawing += _seconds(begun, drawn)
            computing += _seconds(drawn, done)
        return drawing / max(drawing + computing, 1e-9)


def _seconds(start: float | torch.cuda.Event, end: float | torch.cuda.Event) -> float:
    if isinstance(start, float) or isinstance(end, float):
        assert isinstance(start, float) and isinstance(end, float)
        return end - start
    end.synchronize()
    return start.elapsed_time(end) / 1000


def gpu_busy(device: torch.device) -> float | None:
    """Return the share of the last moments in which the GPU was computing, as its driver measured; None if unknown."""
    if device.type != "cuda":
        return None
    try:
        return torch.cuda.utilization(device) / 100
    except (
        Exception
    ):  # The driver's library may be missing, old or out of bounds: no reason to end a training.
        return None
