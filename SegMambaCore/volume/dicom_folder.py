"""Reading the one DICOM series in a folder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.dicom_pixels import is_cut_short

_SERIES_DESCRIPTION = "0008|103e"
_IMAGE_POSITION = "0020|0032"
_SAMPLES, _FRAMES, _ROWS, _COLUMNS, _BITS = "0028|0002", "0028|0008", "0028|0010", "0028|0011", "0028|0100"


def read_dicom_folder(folder: Path) -> sitk.Image:
    """Read the single series of the DICOM files that lie directly in a folder, slices in order of position.

    Raises SegMambaError when there is no series or more than one, or when a slice is missing, doubled,
    shifted or damaged.
    """
    series = {
        uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    }
    _check_all_readable(folder, (name for names in series.values() for name in names))
    if not series:
        raise SegMambaError(
            f"{folder}: the folder holds no DICOM series. Give the folder of the DICOM files, or a file."
        )
    if len(series) > 1:
        titles = ", ".join(f"{_description(names[0])} ({len(names)} files)" for names in series.values())
        raise SegMambaError(
            f"{folder}: the folder holds {len(series)} DICOM series: {titles}.\n"
            "Put the files of the one series that is wanted into a folder of their own."
        )
    (names,) = series.values()

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(names)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise SegMambaError(
            f"{folder}: its {len(names)} DICOM files do not make up a volume. Export the series again."
        ) from error
    _check_pixels(folder, reader, names)
    if len(names) > 1:
        _check_positions(folder, reader, image)
    return image


def _check_all_readable(folder: Path, readable: Iterable[str]) -> None:
    """GDCM leaves a damaged file out without a word, and at the end of the stack that would leave no gap."""
    known = {Path(name).name for name in readable}
    _refuse_damaged(folder, [file for file in folder.iterdir() if file.name not in known and is_dicom(file)])


def _check_pixels(folder: Path, reader: sitk.ImageSeriesReader, names: Sequence[str]) -> None:
    def promised_bytes(k: int) -> int:
        keys = (key for key in (_SAMPLES, _FRAMES, _ROWS, _COLUMNS, _BITS) if reader.HasMetaDataKey(k, key))
        return math.prod(int(reader.GetMetaData(k, key)) for key in keys) // 8

    files = map(Path, names)
    _refuse_damaged(folder, [file for k, file in enumerate(files) if is_cut_short(file, promised_bytes(k))])


def _refuse_damaged(folder: Path, damaged: Sequence[Path]) -> None:
    if damaged:
        first, others = min(file.name for file in damaged), len(damaged) - 1
        which = f"{first} and {others} more DICOM files are" if others else f"the DICOM file {first} is"
        raise SegMambaError(f"{folder}: {which} damaged. Export the series again.")


def is_dicom(path: Path) -> bool:
    """Return whether a file says at its beginning that it is a DICOM file, and is no index of such files."""
    if not path.is_file() or path.name.upper() == "DICOMDIR":
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _check_positions(folder: Path, reader: sitk.ImageSeriesReader, image: sitk.Image) -> None:
    """Compare positions: ITK spreads the slices evenly, whatever their own headers say."""
    third_of_a_slice = image.GetSpacing()[2] / 3
    for k in range(image.GetSize()[2]):
        if not reader.HasMetaDataKey(k, _IMAGE_POSITION):
            continue
        stored = np.array(reader.GetMetaData(k, _IMAGE_POSITION).split("\\"), dtype=np.float64)
        placed = np.array(image.TransformIndexToPhysicalPoint((0, 0, k)))
        if np.linalg.norm(stored - placed) > third_of_a_slice:
            raise SegMambaError(
                f"{folder}: the slices of the DICOM series are not evenly spaced: some are missing, doubled "
                "or shifted. Export the series again."
            )


def _description(file_name: str) -> str:
    reader = sitk.ImageFileReader()
    reader.SetFileName(file_name)
    reader.ReadImageInformation()
    if not reader.HasMetaDataKey(_SERIES_DESCRIPTION):
        return "without description"
    return f"'{reader.GetMetaData(_SERIES_DESCRIPTION).strip()}'"
