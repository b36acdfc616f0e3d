"""Where the figures of a training are written: a CSV file, TensorBoard's folder, a line for the screen."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.sample_picture import write_picture

Row = dict[str, float | None]

COLUMNS = (
    "step",
    "trained_seconds",
    "steps_per_second",
    "learning_rate",
    "loss_patch",
    "loss_whole",
    "skipped",
    "input_share",
    "gpu_busy",
)


class LogFiles:
    """FOLDER/training_log.csv, FOLDER/tensorboard and FOLDER/pictures."""

    def __init__(self, folder: Path, step: int, row_steps: int) -> None:
        """Start the files, or go on with those of a training resumed after `step`, without what they say beyond it."""
        self._csv, self._pictures = folder / "training_log.csv", folder / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [COLUMNS, *_rows_to_keep(self._csv, step, row_steps)]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        write_whole_file(self._csv, text.getvalue().encode())
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, row: Row) -> None:
        """Add a row; what is None is left empty. Raises SegMambaError naming the file that cannot be written."""
        try:
            with self._csv.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(_text(row[name]) for name in COLUMNS)
            for name in COLUMNS[1:]:
                if (value := row[name]) is not None:
                    self._board.add_scalar(name, value, int(row["step"] or 0))
        except OSError as error:
            raise _cannot_write(self._csv, error) from error

    def add_picture(self, picture: NDArray[np.uint8], step: int) -> None:
        """Add a picture (H, W, 3). Raises SegMambaError naming its file when that cannot be written."""
        write_picture(picture, self._pictures / f"step_{step:08d}.png")
        self._board.add_image("sample", picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Let nothing wait in memory. Raises SegMambaError when TensorBoard's file cannot be written."""
        try:
            self._board.flush()
        except OSError as error:
            raise _cannot_write(Path(self._board.log_dir), error) from error


def progress_line(row: Row) -> str:
    """Return a row in words."""
    losses = [
        f"{row[name]:.4f} {word}"
        for name, word in (("loss_patch", "patches"), ("loss_whole", "whole"))
        if row[name] is not None
    ]
    busy = "" if row["gpu_busy"] is None else f"  GPU busy {row['gpu_busy']:.0%}"
    return (
        f"step {row['step']:.0f}  {row['steps_per_second']:.2f} steps/s  loss {', '.join(losses)}  "
        f"rate {row['learning_rate']:.2e}  skipped {row['skipped']:.0f}  input {row['input_share']:.0%}{busy}  "
        f"{timedelta(seconds=round(row['seconds_left'] or 0))} left"
    )


def _rows_to_keep(path: Path, step: int, row_steps: int) -> list[list[str]]:
    """Rows up to the step; not those of fewer steps, with which an earlier run had ended."""
    if step == 0 or not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(COLUMNS)][1:]
    return [row for row in rows if int(row[0]) <= step and int(row[0]) % row_steps == 0]


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


def _cannot_write(path: Path, error: OSError) -> SegMambaError:
    return SegMambaError(f"{path}: cannot be written ({error.strerror}). The last checkpoint is still there.")
