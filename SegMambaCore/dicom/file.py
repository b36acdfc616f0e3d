"""DICOM files on the disk and in zips, one inside the other."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO

from SegMambaCore.errors import DiskFullError, SegMambaError

_SPOOLED_BYTES = 64 << 20  # a zip within a zip: more than this goes to the disk


@dataclass(frozen=True)
class DicomFile:
    """path: the file, or the zip that holds it. members: the names within, one for each zip inside another."""

    path: Path
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the name."""
        return PurePosixPath(self.members[-1]).name if self.members else self.path.name


def is_zip(path: Path) -> bool:
    """Return whether a file is called a zip; its content is looked at when it is opened."""
    return path.suffix.lower() == ".zip" and path.is_file()


def is_dicom(stream: IO[bytes]) -> bool:
    """Return whether a stream at its beginning is that of a DICOM file; it is rewound."""
    start = stream.read(132)
    stream.seek(0)
    return start[128:] == b"DICM"


def is_dicom_file(path: Path) -> bool:
    """Return whether a file says at its beginning that it is a DICOM file, and is no index of such files."""
    if not path.is_file() or path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as stream:
            return is_dicom(stream)
    except OSError:
        return False


def files_in_zip(path: Path, outer: tuple[str, ...] = ()) -> Iterator[tuple[DicomFile, IO[bytes]]]:
    """Yield each file in a zip, opened, zips within zips looked into; hidden ones are passed over.

    Raises SegMambaError when the zip is damaged or wants a password.
    """
    with _container(path, outer) as archive:
        for info in archive.infolist():
            name = PurePosixPath(info.filename)
            if info.is_dir() or name.name.startswith(".") or "__MACOSX" in name.parts:
                continue
            file = DicomFile(path, (*outer, info.filename))
            if name.suffix.lower() == ".zip":
                yield from files_in_zip(path, file.members)
                continue
            with _told(path), archive.open(info) as stream:
                yield file, stream


def opened(files: Iterable[DicomFile]) -> Iterator[tuple[DicomFile, IO[bytes]]]:
    """Yield each file, opened, in the given order; neighbors in one zip share its opening.

    Raises SegMambaError for a damaged zip, OSError for a file that cannot be opened.
    """
    for (path, outer), group in groupby(files, key=lambda file: (file.path, file.members[:-1])):
        with ExitStack() as stack:
            archive: zipfile.ZipFile | None = None
            for file in group:
                if not file.members:
                    with path.open("rb") as stream:
                        yield file, stream
                    continue
                if archive is None:
                    archive = stack.enter_context(_container(path, outer))
                with _told(path), archive.open(file.members[-1]) as packed:
                    yield file, packed


@contextmanager
def on_disk(files: Iterable[DicomFile]) -> Iterator[dict[DicomFile, Path]]:
    """Yield a path for each file. What lies in a zip is unpacked, and removed when the block ends.

    Names in the zip are not used on the disk. Raises SegMambaError when a zip is damaged or the disk is full.
    """
    files = list(dict.fromkeys(files))
    packed = [file for file in files if file.members]
    paths = {file: file.path for file in files if not file.members}
    if not packed:
        yield paths
        return
    with tempfile.TemporaryDirectory(prefix="segmamba-") as folder:
        for number, (file, stream) in enumerate(opened(packed)):
            paths[file] = Path(folder, f"{number:06}")
            try:
                with paths[file].open("wb") as target:
                    shutil.copyfileobj(stream, target, 1 << 20)
            except OSError as error:
                raise DiskFullError(
                    f"{file.path}: there is no room to unpack it ({error.strerror}). Free some space on the "
                    "disk for temporary files."
                ) from error
        yield paths


@contextmanager
def _container(path: Path, outer: tuple[str, ...]) -> Iterator[zipfile.ZipFile]:
    """Open a zip, or the zip inside it that `outer` leads to."""
    with ExitStack() as stack, _told(path):
        archive = stack.enter_context(zipfile.ZipFile(path))
        for member in outer:
            # A compressed stream cannot be sought in without unpacking it anew each time.
            inner = stack.enter_context(tempfile.SpooledTemporaryFile(_SPOOLED_BYTES))
            with archive.open(member) as packed:
                shutil.copyfileobj(packed, inner, 1 << 20)
            archive = stack.enter_context(zipfile.ZipFile(inner))
        yield archive


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise SegMambaError(
            f"{path}: the zip is damaged or of a kind that cannot be read. Export it again."
        ) from error
    except RuntimeError as error:
        if "password" not in str(error):
            raise
        raise SegMambaError(f"{path}: the zip wants a password. Unpack it, and give the folder.") from error
