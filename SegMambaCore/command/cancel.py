"""Ctrl+C and the operating system's requests to end, as a question that long work can ask."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Ctrl+C, a plain kill, and Windows' Ctrl+Break, which is what another program can send there.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]


@contextmanager
def cancel_on_signal() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether someone asked to stop.

    The first signal only raises the flag, so that no file is left half-written; a second one interrupts at
    once. Outside the main thread signals cannot be caught: there the function always says no.
    """
    asked = threading.Event()

    def handler(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    previous = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield asked.is_set
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
