"""The loss curve: means over every ten steps, in a CSV file, in TensorBoard and, now and then, on the screen."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SegMambaCore.errors import SegMambaError
from Training.log_files import LogFiles, Row, progress_line
from Training.loop_timing import LoopTiming, gpu_busy
from Training.processes import Processes
from Training.schedule import Budget, Progress

ROW_STEPS = 10
LINE_SECONDS = 10.0


@dataclass
class _Pending:
    """A row whose sums are still on their way from the GPU."""

    row: Row
    sums: Tensor
    counts: list[int]
    timing: LoopTiming
    arrived: torch.cuda.Event | None


class TrainingLog:
    """Sums on the device, read when they have arrived: the host never waits for them.

    timing: to be marked by the loop.
    """

    def __init__(self, folder: Path, processes: Processes, budget: Budget, progress: Progress) -> None:
        """Go on with the files in a folder; what they say of steps after `progress` is taken out."""
        self._processes, self._budget = processes, budget
        self._files = LogFiles(folder, progress.step, ROW_STEPS) if processes.is_first else None
        self._sums = torch.zeros(
            3, device=processes.device
        )  # losses of patches, of whole brains, skipped steps
        self._counts = [0, 0]  # patches, whole brains
        self._waiting: list[_Pending] = []
        self._row_began = replace(progress)
        self._last_line = time.monotonic()
        self.timing = LoopTiming(processes.device)

    def add(self, progress: Progress, loss: Tensor, skipped: Tensor, whole: bool, rate: float) -> None:
        """Note the step just counted: its loss, and whether (1 or 0) it was skipped.

        Raises SegMambaError when all steps of a row were skipped, and when a file cannot be written.
        """
        self._sums[int(whole)] += loss.nan_to_num(posinf=0.0)
        self._sums[2] += skipped
        self._counts[whole] += 1
        if progress.step % ROW_STEPS == 0:
            self._end_row(progress, rate)
        while self._waiting and _has_arrived(self._waiting[0]):
            self._write(self._waiting.pop(0))

    def add_picture(self, picture: NDArray[np.uint8], step: int) -> None:
        """Add a picture (H, W, 3) of the network's work."""
        if self._files:
            self._files.add_picture(picture, step)

    def flush(self) -> None:
        """Write all rows that have ended. Waits for the device."""
        while self._waiting:
            self._write(self._waiting.pop(0))
        if self._files:
            self._files.flush()

    def finish(self, progress: Progress, rate: float) -> None:
        """Write everything, a row of fewer steps too."""
        if sum(self._counts):
            self._end_row(progress, rate)
        self._last_line = -LINE_SECONDS
        self.flush()

    def state(self) -> dict[str, Any]:
        """Return what makes the next row the same as without an interruption."""
        return {"sums": self._sums.cpu(), "counts": list(self._counts)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with a row that had begun."""
        self._sums.copy_(state["sums"])
        self._counts = list(state["counts"])

    def _end_row(self, progress: Progress, rate: float) -> None:
        device = self._sums.device
        seconds = progress.trained_seconds - self._row_began.trained_seconds
        speed = (progress.step - self._row_began.step) / max(seconds, 1e-9)
        row: Row = {
            "step": float(progress.step),
            "trained_seconds": progress.trained_seconds,
            "steps_per_second": speed,
            "learning_rate": rate,
            "gpu_busy": gpu_busy(device),
            "seconds_left": self._budget.seconds_left(progress, speed),
        }
        sums = torch.empty(3, pin_memory=device.type == "cuda")
        sums.copy_(self._processes.mean(self._sums), non_blocking=True)
        arrived = torch.cuda.Event() if device.type == "cuda" else None
        if arrived is not None:
            arrived.record()
        self._waiting.append(_Pending(row, sums, self._counts, self.timing, arrived))
        self._sums.zero_()
        self._counts = [0, 0]
        self._row_began = replace(progress)
        self.timing = LoopTiming(device)

    def _write(self, pending: _Pending) -> None:
        if pending.arrived is not None:
            pending.arrived.synchronize()
        patch, whole, skipped = pending.sums.tolist()
        patches, wholes = pending.counts
        row = pending.row | {
            "loss_patch": patch / patches if patches else None,
            "loss_whole": whole / wholes if wholes else None,
            "skipped": skipped,
            "input_share": pending.timing.input_share(),
        }
        if self._files:
            self._files.write(row)
        if time.monotonic() - self._last_line > LINE_SECONDS:
            self._processes.say(progress_line(row))
            self._last_line = time.monotonic()
        if skipped >= patches + wholes:
            raise SegMambaError(
                "The training has diverged: no gradient is finite any more. Lower the learning rate."
            )


def _has_arrived(pending: _Pending) -> bool:
    return pending.arrived is None or pending.arrived.query()
