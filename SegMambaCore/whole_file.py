"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from SegMambaCore.errors import DiskFullError, SegMambaError


def write_whole_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file under a temporary name beside it, then give it its name; an older file is replaced.

    Raises SegMambaError when the folder cannot be written to or the disk is full; then nothing has changed.
    """
    path = Path(path)
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise DiskFullError(
                f"{path}: the disk is full. Free some space or choose another folder."
            ) from error
        raise SegMambaError(
            f"{path}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
