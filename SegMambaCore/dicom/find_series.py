"""Finding the DICOM series in a folder of any depth, or in a zip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from SegMambaCore.dicom.file import DicomFile, files_in_zip, is_dicom, is_zip
from SegMambaCore.dicom.frame import Frame
from SegMambaCore.dicom.header import read_frames
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.dicom.split import stacks_of
from SegMambaCore.dicom.stack import Stack
from SegMambaCore.errors import SegMambaError


@dataclass(frozen=True)
class FoundSeries:
    """series: by date and number. damaged: DICOM files whose headers cannot be read."""

    series: list[DicomSeries]
    damaged: list[DicomFile]


def find_series(root: Path) -> list[DicomSeries]:
    """Return the series in a folder, its subfolders and zips, or in one zip, by date and number.

    Names of files and folders do not matter, nor does a DICOMDIR; files that are no DICOM are passed over, and
    so are DICOM objects without an image. A link to a folder above is not followed.
    Raises SegMambaError when a DICOM file or a zip is damaged.
    """
    files = files_in_zip(root) if root.is_file() else _each(_files(root, set()))
    return _whole(_series_of(files, root), root)


def series_in(files: Iterable[Path], root: Path) -> list[DicomSeries]:
    """Return the series of these files and zips, as `find_series` does for a folder."""
    return _whole(look_through(files, root), root)


def look_through(files: Iterable[Path], root: Path) -> FoundSeries:
    """Return the series of these files and zips, and which files are damaged.

    Raises SegMambaError when a zip is damaged, or a file cannot be opened.
    """
    return _series_of(_each(files), root)


def _series_of(files: Iterable[tuple[DicomFile, IO[bytes]]], root: Path) -> FoundSeries:
    by_series: dict[tuple[str, str, str], list[Frame]] = defaultdict(list)
    damaged: list[DicomFile] = []
    for file, stream in files:
        try:
            for frame in read_frames(file, stream) if is_dicom(stream) else ():
                subject = frame.subject
                # Some tools that hide names empty all numbers: then the folder tells series apart.
                key = subject.study, subject.identifier, frame.series or str(file.path.parent)
                by_series[key].append(frame)
        except ValueError:
            damaged.append(file)
    stacks = [one for frames in by_series.values() for one in stacks_of(frames)]
    return FoundSeries(labeled(stacks, root), damaged)


def _whole(found: FoundSeries, root: Path) -> list[DicomSeries]:
    if found.damaged:
        text = _damaged_text(found.damaged)
        for subject in {one.subject for one in found.series}:
            text = subject.hidden_in(text)  # files are called by the patient now and then
        raise SegMambaError(f"{root}: {text}")
    return found.series


def labeled(stacks: Iterable[Stack], root: Path) -> list[DicomSeries]:
    """Return series by date and number, each with a label of its own: 5, or 5a, 5b where several are 5."""
    ordered = sorted(stacks, key=_in_order)
    shared: dict[int, list[Stack]] = defaultdict(list)
    for one in ordered:
        shared[_number(one.frames[0])].append(one)
    labels = {
        id(one): f"{number}{_letters(place)}" if len(group) > 1 else str(number)
        for number, group in shared.items()
        for place, one in enumerate(group)
    }
    return [DicomSeries(labels[id(one)], one, root) for one in ordered]


def _damaged_text(files: Sequence[DicomFile]) -> str:
    """Say which files are damaged, and what to do."""
    others = len(files) - 1
    if others:
        return f"{files[0].name} and {others} more DICOM files are damaged. Export the study again."
    return f"the DICOM file {files[0].name} is damaged. Export the study again."


def _files(folder: Path, seen: set[Path]) -> Iterator[Path]:
    if folder.resolve() in seen:
        return
    seen.add(folder.resolve())
    try:
        content = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise SegMambaError(f"{folder}: the folder cannot be opened ({error.strerror or error}).") from error
    for path in content:
        if path.is_dir():
            yield from _files(path, seen)
        elif path.is_file() and path.name.upper() != "DICOMDIR":
            yield path


def _each(paths: Iterable[Path]) -> Iterator[tuple[DicomFile, IO[bytes]]]:
    for path in paths:
        if is_zip(path):
            yield from files_in_zip(path)
            continue
        try:
            with path.open("rb") as stream:
                yield DicomFile(path), stream
        except OSError as error:
            raise SegMambaError(f"{path}: cannot be opened ({error.strerror or error}).") from error


def _in_order(stack: Stack) -> tuple[str, str, int, str]:
    frame = stack.frames[0]
    return frame.subject.date, frame.subject.study, _number(frame), frame.series


def _number(frame: Frame) -> int:
    text = frame.attributes["SeriesNumber"]
    return int(text) if text.lstrip("-").isdigit() else 0


def _letters(place: int) -> str:
    """a to z, then aa, ab and so on."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)
