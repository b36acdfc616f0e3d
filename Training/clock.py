"""When this process started: imports and preparations are part of the minutes that a training may take."""

from __future__ import annotations

import time

import psutil


def process_started() -> float:
    """Return the start of this process on the scale of `time.monotonic`."""
    return time.monotonic() - (time.time() - psutil.Process().create_time())
