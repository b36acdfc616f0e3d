"""Work for processes that are going to be killed; imported by them, so it imports little."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def squared(number: int, deaths: dict[int, int], diary: Path, seconds: float = 0.0) -> int:
    """Return the square, after the process has died as often as `deaths` says; 6 is an error."""
    (diary / f"{number}-{os.getpid()}").touch()
    time.sleep(seconds)
    if len(list(diary.glob(f"{number}-*"))) <= deaths.get(number, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 6:
        raise ValueError("six")
    return number**2
