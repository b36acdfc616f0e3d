"""Ending together with the program that started this one, which may be killed and then ends nobody."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARENT_VARIABLE = "SEGMAMBA_PARENT"
"""Environment: the process number of a program without which the work is of no use."""

FOLDER_VARIABLE = "SEGMAMBA_PARENT_FOLDER"
"""Environment: a folder of that program's temporary files, which nobody else would remove."""

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_STOP = 5.0


@contextmanager
def ending_with_parent() -> Iterator[None]:
    """Watch the parent that the environment names, if any, from a thread, as long as the context lasts.

    When it is gone, the work is asked to stop as by a plain kill; then the folder is removed and this process
    ends, with all it started.
    """
    number = os.environ.get(PARENT_VARIABLE, "")
    if not number.isdecimal():
        yield
        return
    finished = threading.Event()
    watcher = threading.Thread(target=_watch, args=(int(number), finished), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _watch(number: int, finished: threading.Event) -> None:
    import psutil

    def is_alive() -> bool:
        # Whoever is killed stays a zombie until its own parent has noticed.
        try:
            return parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    try:
        parent = psutil.Process(number)
    except psutil.NoSuchProcess:
        _end(finished)
    while not finished.wait(SECONDS_BETWEEN_LOOKS):
        if not is_alive():
            _end(finished)


def _end(finished: threading.Event) -> None:
    import psutil

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # which would end us before the folder is gone
        _ask_to_stop()
        finished.wait(SECONDS_TO_STOP)
    for child in psutil.Process().children(recursive=True):
        child.kill()
    if folder := os.environ.get(FOLDER_VARIABLE):
        os.chdir(Path(folder).parent)  # Windows keeps a folder that somebody works in
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _ask_to_stop() -> None:
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGTERM)
    else:
        # To the main thread, so that it interrupts a wait there.
        os.kill(os.getpid(), signal.SIGTERM)
