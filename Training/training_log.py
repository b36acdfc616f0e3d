"""Lines on the screen and in a CSV file while the training runs."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import torch
from torch import Tensor

from SegMambaCore.errors import SegMambaError
from Training.checkpoint import Progress

REPORT_SECONDS = 10.0
COLUMNS = (
    "step",
    "trained_seconds",
    "steps_per_second",
    "learning_rate",
    "loss_patch",
    "loss_whole",
    "skipped",
)


class TrainingLog:
    """Sums on the device, read once a report: reading a value makes the host wait for the device."""

    def __init__(self, path: Path, device: torch.device, step: int) -> None:
        """path: a CSV file; lines are added to it where a training is resumed at a step above 0."""
        self._path = path
        self._sums = torch.zeros(2, device=device)  # losses of patches, of whole brains
        self._failed = torch.zeros((), device=device)
        self._counts = [0, 0]
        self._started = time.monotonic()
        if step == 0:
            self._write(COLUMNS, "w")

    def add(self, loss: Tensor, failed: Tensor, whole: bool) -> None:
        """Note a step: its loss, and whether (1 or 0) it was skipped because a gradient was not finite."""
        self._sums[int(whole)] += loss.nan_to_num(posinf=0.0)
        self._failed += failed
        self._counts[whole] += 1

    def is_due(self) -> bool:
        """Whether the last report is long enough ago."""
        return time.monotonic() - self._started > REPORT_SECONDS

    def report(self, progress: Progress, learning_rate: float, seconds_left: float) -> None:
        """Print and write the means since the last report.

        Raises SegMambaError when every step since then was skipped.
        """
        steps = sum(self._counts)
        if steps == 0:
            return
        patch, whole, failed = torch.cat([self._sums, self._failed[None]]).tolist()
        per_second = steps / (time.monotonic() - self._started)
        patch, whole = patch / max(self._counts[0], 1), whole / max(self._counts[1], 1)
        print(
            f"step {progress.step}  {per_second:.2f} steps/s  loss {patch:.4f} patches, {whole:.4f} whole  "
            f"rate {learning_rate:.2e}  skipped {failed:.0f}  {seconds_left:.0f} s left",
            flush=True,
        )
        row = (progress.step, progress.trained_seconds, per_second, learning_rate, patch, whole, int(failed))
        self._write(tuple(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row), "a")
        if failed == steps:
            raise SegMambaError(
                "The training has diverged: no gradient is finite any more. Lower the learning rate."
            )
        self._sums.zero_()
        self._failed.zero_()
        self._counts = [0, 0]
        self._started = time.monotonic()

    def _write(self, row: tuple[str, ...], mode: str) -> None:
        with self._path.open(mode, encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)
