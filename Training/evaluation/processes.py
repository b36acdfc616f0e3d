"""Work on many cases in several processes."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes: a fork of one that runs threads or a GPU can hang."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def default_workers() -> int:
    """Return how many processes this computer runs at a time."""
    return os.cpu_count() or 1
