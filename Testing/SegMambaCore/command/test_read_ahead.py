"""The next one is read while the present one is worked on, and no more than that."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from SegMambaCore.command.read_ahead import read_ahead


def test_one_is_read_ahead_and_no_more() -> None:
    started: list[int] = []
    second = threading.Event()

    def read(item: int) -> int:
        started.append(item)
        if item == 2:
            second.set()
        return item * 10

    with ThreadPoolExecutor(max_workers=1) as thread:
        pairs = read_ahead([1, 2, 3, 4], read, thread)
        item, reading = next(pairs)
        assert (item, reading.result()) == (1, 10)
        assert second.wait(10)
        assert started == [1, 2]
        assert [(item, reading.result()) for item, reading in pairs] == [(2, 20), (3, 30), (4, 40)]


def test_a_failed_read_is_one_item_s_matter() -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        for item, reading in read_ahead([1, 0, 2], lambda item: 10 // item, thread):
            if item:
                assert reading.result() == 10 // item
            else:
                with pytest.raises(ZeroDivisionError):
                    reading.result()


def test_nothing_to_read() -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        assert list(read_ahead([], str, thread)) == []
