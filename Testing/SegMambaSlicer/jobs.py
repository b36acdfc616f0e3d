"""Waiting for jobs and for the end of processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
from SegMambaLib.run.programRun import RunState
from SegMambaLib.run.segmentationJob import SegmentationJob


def finish(job: SegmentationJob, seconds: float = 20.0) -> RunState:
    """Poll until the job is over and return its state."""
    return wait_until(lambda: job.poll().isOver and job.state, seconds)


def wait_until(condition: Callable, seconds: float = 20.0) -> object:
    """Return what the condition gives as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def is_alive(process: psutil.Process) -> bool:
    """Whether it has not ended; one that nobody has taken notice of stays a zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
