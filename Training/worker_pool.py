"""The same work on many cases in several processes, none of which can take the others' cases with it."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil
from pebble import ProcessExpired, ProcessPool

from SegMambaCore.errors import SegMambaError

ATTEMPTS = 3
"""So often a case is tried whose process was killed, for want of memory as a rule."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Done(Generic[Item, Result]):
    """What became of an item: a result or an error."""

    item: Item
    result: Result | None = None
    error: Exception | None = None


def each_in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    *,
    initializer: Callable[[], None] | None = None,
) -> Generator[Done[Item, Result], None, None]:
    """Yield what became of each item, in the order in which they are done.

    A process that was killed costs the item it was at, and that is tried again. When the caller stops early, or is
    interrupted, the processes are ended.
    """
    attempts: Counter[int] = Counter()
    # Fresh processes: a fork of one that runs threads or a GPU can hang.
    pool = ProcessPool(
        max_workers=workers, context=multiprocessing.get_context("spawn"), initializer=initializer
    )
    try:
        running: dict[Future[Result], int] = {
            pool.schedule(function, args=[item]): number for number, item in enumerate(items)
        }
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                number = running.pop(future)
                attempts[number] += 1
                error = future.exception()
                if isinstance(error, ProcessExpired):
                    if attempts[number] < ATTEMPTS:
                        running[pool.schedule(function, args=[items[number]])] = number
                        continue
                    error = SegMambaError(
                        f"its process was ended {ATTEMPTS} times ({error}). For want of memory? Try fewer --workers."
                    )
                if error is None:
                    yield Done(items[number], result=future.result())
                elif isinstance(error, Exception):
                    yield Done(items[number], error=error)
                else:
                    raise error
    finally:
        pool.stop()
        pool.join()


def workers_that_fit(gigabytes_each: float) -> int:
    """Return how many processes this computer's cores and free memory are good for, at least 1."""
    by_memory = int(psutil.virtual_memory().available / (gigabytes_each * 2**30))
    return max(1, min(os.cpu_count() or 1, by_memory))
