"""A process that dies costs the item it was at, and no other."""

from __future__ import annotations

import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.unlucky_work import squared
from Training.worker_pool import ATTEMPTS, each_in_processes


def test_a_killed_process_costs_its_item_one_try(tmp_path: Path) -> None:
    work = partial(squared, deaths={3: 1, 5: ATTEMPTS}, diary=tmp_path)
    done = {one.item: one for one in each_in_processes(work, range(8), workers=2)}
    assert {item: one.result for item, one in done.items() if one.error is None} == {
        item: item**2 for item in range(8) if item not in (5, 6)
    }
    assert isinstance(done[5].error, SegMambaError) and "ended 3 times" in str(done[5].error)
    assert isinstance(done[6].error, ValueError)  # an error of its own is not tried again
    tries = [sum(1 for _ in tmp_path.glob(f"{item}-*")) for item in range(8)]
    assert tries == [1, 1, 1, 2, 1, ATTEMPTS, 1, 1]


def test_who_stops_early_leaves_no_process(tmp_path: Path) -> None:
    work = each_in_processes(partial(squared, deaths={}, diary=tmp_path, seconds=30.0), range(4), workers=2)
    with pytest.raises(TimeoutError):  # Ctrl-C amid the work
        signal.signal(signal.SIGALRM, _raise_timeout)
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        next(work)
    work.close()
    assert not [child for child in multiprocessing.active_children() if child.is_alive()]
    for name in tmp_path.glob("*-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(name.name.split("-")[1]), 0)


def _raise_timeout(*_: object) -> None:
    raise TimeoutError
