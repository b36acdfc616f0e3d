"""The folder that gets the results: all of them, or none."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from SegMambaCore.errors import DiskFullError, SegMambaError

_TEMPORARY = ".segmamba-"


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
def all_or_nothing(folder: Path, seal: str | None = None, outdated: Sequence[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder inside the folder; when the block ends well, its files move into the folder.

    Files of the same names are replaced. outdated: names of files that go away with them even if the block
    writes none of that name. When the block or a move fails, the folder is as it was before, or
    absent if it was. seal: the name of the file that vouches for the others. An older one goes away first and
    the new one comes last: even if the program is killed amid the moves, a folder with it is whole.
    Raises SegMambaError when the folder or the disk does not take the files.
    """
    made: list[Path] = []
    try:
        try:
            made = _make_folders(folder)
            with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=folder) as name:
                new, old = Path(name, "new"), Path(name, "old")
                new.mkdir()
                old.mkdir()
                try:
                    yield new
                except SegMambaError as error:
                    # A writer names its file in the temporary folder, which tells nobody anything.
                    message = re.sub(re.escape(str(new)) + "[^:]*", lambda _: f"Output {folder}", str(error))
                    raise type(error)(message) from error
                _move_in(new, folder, old, seal, outdated)
        except OSError as error:
            raise _unwritable(folder, error) from error
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed run left in its output folder; nobody may be writing there now."""
    for path in folder.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(path, ignore_errors=True)


def _existing_part(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _make_folders(folder: Path) -> list[Path]:
    """Make the folder and those above it; return the new ones, outermost first."""
    absent = [path for path in (folder, *folder.absolute().parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return absent[::-1]


def _move_in(new: Path, folder: Path, old: Path, seal: str | None, outdated: Sequence[str]) -> None:
    """Move the new files in; what they replace goes to `old`, and comes back if one of them fails."""
    names = sorted((file.name for file in new.iterdir()), key=lambda name: (name == seal, name))
    gone = [name for name in outdated if name not in names]
    try:
        for name in [*reversed(names), *gone]:
            target = folder / name
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{target} is a folder")
            if target.exists():
                os.replace(target, old / name)
        for name in names:
            os.replace(new / name, folder / name)
    except BaseException:
        for name in [*names, *gone]:
            if name in names and not (new / name).exists():
                (folder / name).unlink(missing_ok=True)
            if (old / name).exists():
                os.replace(old / name, folder / name)
        raise


def _unwritable(folder: Path, error: OSError) -> SegMambaError:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return DiskFullError(f"Output {folder}: the disk is full. Free some space or choose another folder.")
    reason = error.strerror or str(error)
    return SegMambaError(f"Output {folder}: cannot be written to ({reason}). Choose another folder.")
