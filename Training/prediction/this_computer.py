"""Cases by processes of this computer: one for each GPU, or one that has all cores."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from Training.worker_pool import Done, each_in_processes

Item = TypeVar("Item")
Result = TypeVar("Result")

_taken: list[FileLock] = []
"""Of this process; the operating system gives it back when the process ends, however it ends."""


def each_here(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int | None, *, use_gpus: bool
) -> Generator[Done[Item, Result], None, None]:
    """Yield what became of each item, in the order in which they are done; see `each_in_processes`.

    workers: None for one a GPU, or a single one without. Several share GPUs and cores evenly.
    """
    gpus = _visible_gpus() if use_gpus else []
    count = workers or max(len(gpus), 1)
    with tempfile.TemporaryDirectory(prefix="segmamba-") as seats:
        initializer = partial(_sit_down, Path(seats), count, gpus)
        yield from each_in_processes(function, items, count, initializer=initializer)


def _visible_gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES may hold, one by one."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is not None:
        return [name for name in told.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _sit_down(seats: Path, count: int, gpus: list[str]) -> None:
    """Take the share of this computer that a process which died has left, or that nobody has had.

    Before PyTorch and Numba are imported: they ask once.
    """
    for seat in range(count):
        lock = FileLock(seats / str(seat))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _taken.append(lock)
        if gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = gpus[seat % len(gpus)]
        threads = str(max(1, (os.cpu_count() or 1) // count))
        for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
            os.environ.setdefault(variable, threads)
        return
