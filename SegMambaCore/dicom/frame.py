"""One image of a DICOM series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from SegMambaCore.dicom.file import DicomFile
from SegMambaCore.dicom.subject import Subject


@dataclass(frozen=True)
class Frame:
    """An image as its header describes it: a file of its own, or one of the frames of a file.

    number: which frame of the file, from 0. instance: the file's SOPInstanceUID.
    position: of the center of the first voxel, orientation: cosines along a row, then along a column, both LPS
        (mm); None where the header places the image nowhere.
    spacing: mm from row to row, from column to column. size: rows, columns. bytes: of the file's pixels, uncompressed.
    attributes: texts by keyword, those of `header.KEYWORDS`, several values joined by backslashes.
    """

    file: DicomFile
    number: int
    instance: str
    series: str
    subject: Subject
    attributes: Mapping[str, str]
    size: tuple[int, int]
    bytes: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
