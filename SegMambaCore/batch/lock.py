"""One batch at a time in a folder of results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from SegMambaCore.errors import SegMambaError

LOCK_FILE = ".segmamba-batch.lock"


@contextmanager
def only_batch_in(folder: Path) -> Iterator[None]:
    """Keep other batches out of a folder, which is made where it is absent.

    The operating system gives the lock back when the program ends, however it ends.
    Raises SegMambaError when another batch is at work there, or the folder cannot be written to.
    """
    lock = FileLock(folder / LOCK_FILE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SegMambaError(
            f"Output {folder}: another batch is at work there. Wait for it, or choose another folder."
        ) from error
    except OSError as error:
        raise SegMambaError(
            f"Output {folder}: cannot be written to ({error.strerror or error}). Choose another folder."
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.release()
