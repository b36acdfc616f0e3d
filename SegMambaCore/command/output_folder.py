"""The folder that gets the results: all of them, or none."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from SegMambaCore.errors import SegMambaError


def check_output_folder(folder: Path) -> None:
    """Raise SegMambaError when the folder cannot be made or written to; it is not made yet."""
    if folder == Path():
        raise SegMambaError("Output: the name of the folder is empty. Name a folder.")
    existing = _existing_part(folder)
    if not existing.is_dir():
        raise SegMambaError(f"Output {folder}: {existing} is a file, not a folder. Choose another folder.")
    try:
        # Only trying tells: permissions, read-only disks and Windows' own rules have no common test.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


@contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder inside the folder; when the block ends well, its files move into the folder.

    Files of the same names are replaced. When the block or a move fails, the folder is as it was before, or
    absent if it was. Raises SegMambaError when the folder or the disk does not take the files.
    """
    made: list[Path] = []
    try:
        try:
            made = _make_folders(folder)
            with tempfile.TemporaryDirectory(prefix=".segmamba-", dir=folder) as name:
                new, old = Path(name, "new"), Path(name, "old")
                new.mkdir()
                old.mkdir()
                try:
                    yield new
                except SegMambaError as error:
                    # A writer names its file in the temporary folder, which tells nobody anything.
                    message = re.sub(re.escape(str(new)) + "[^:]*", lambda _: f"Output {folder}", str(error))
                    raise SegMambaError(message) from error
                _move_in(new, folder, old)
        except OSError as error:
            raise _unwritable(folder, error) from error
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _existing_part(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _make_folders(folder: Path) -> list[Path]:
    """Make the folder and those above it; return the new ones, outermost first."""
    absent = [path for path in (folder, *folder.absolute().parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return absent[::-1]


def _move_in(new: Path, folder: Path, old: Path) -> None:
    """Move the new files in; what they replace goes to `old`, and comes back if one of them fails."""
    done: list[str] = []
    try:
        for file in sorted(new.iterdir()):
            target = folder / file.name
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{target} is a folder")
            if target.exists():
                os.replace(target, old / file.name)
            done.append(file.name)
            os.replace(file, target)
    except BaseException:
        for name in done:
            (folder / name).unlink(missing_ok=True)
            if (old / name).exists():
                os.replace(old / name, folder / name)
        raise


def _unwritable(folder: Path, error: OSError) -> SegMambaError:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return SegMambaError(f"Output {folder}: the disk is full. Free some space or choose another folder.")
    reason = error.strerror or str(error)
    return SegMambaError(f"Output {folder}: cannot be written to ({reason}). Choose another folder.")
