"""The one series of a folder, a zip or a file."""

from __future__ import annotations

from pathlib import Path

from SegMambaCore.dicom.file import is_zip
from SegMambaCore.dicom.find_series import find_series, series_in
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError


def only_series(path: Path) -> DicomSeries:
    """Return the single series in a DICOM file, a zip, or the files that lie directly in a folder.

    Raises SegMambaError when there is none or more than one, or a file is damaged.
    """
    if is_zip(path):
        found = find_series(path)
    elif path.is_dir():
        found = series_in(sorted(_files_in(path)), path)
    else:
        found = series_in([path], path)
    if not found:
        raise SegMambaError(
            f"{path}: there is no DICOM series in it. Give the folder of the DICOM files, or a file."
        )
    if len(found) > 1:
        titles = ", ".join(series.title for series in found)
        raise SegMambaError(
            f"{path}: there are {len(found)} DICOM series in it: {titles}.\n"
            "Give the folder of the whole study and name the series: segment STUDY --t1c 5, for instance."
        )
    return found[0]


def _files_in(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and path.name.upper() != "DICOMDIR"
        and not is_zip(path)
    ]
