"""Finding faults in files that ITK passes over in silence.

ITK fills the missing end of a NIfTI file with zeros and makes zeros of its voxels that are not a number,
ignores the check sum of gzip, and only prints a line when the compressed voxels of a MetaImage do not
unpack.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

_CHUNK = 1 << 20


class UnsoundFileError(Exception):
    """The file ends too early, does not unpack, or holds voxels that are no number; says which."""


def check_sound(path: Path, reader: sitk.ImageFileReader) -> None:
    """Raise UnsoundFileError unless the file holds all the voxels that its header promises, and numbers.

    reader: has read the header of the same file (`ReadImageInformation`).
    """
    io = reader.GetImageIO() or sitk.ImageFileReader.GetImageIOFromFileName(str(path))
    if io == "NiftiImageIO":
        _check_nifti(path, reader)
    elif io == "MetaImageIO":
        _check_meta_image(path, reader)


def is_gzip(path: Path) -> bool:
    """Whether the file starts as gzip files do, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _check_nifti(path: Path, reader: sitk.ImageFileReader) -> None:
    if reader.GetMetaData("nifti_type") != "1":
        return  # header and voxels in two files: the old pair .hdr, .img
    dimensions = int(reader.GetMetaData("dim[0]"))
    voxels = math.prod(int(reader.GetMetaData(f"dim[{axis}]")) for axis in range(1, dimensions + 1))
    data_bytes = voxels * int(reader.GetMetaData("bitpix")) // 8
    float_type = {"16": "f4", "64": "f8"}.get(reader.GetMetaData("datatype"))
    found = not_finite = 0
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            header = file.read(int(float(reader.GetMetaData("vox_offset"))))
            header_size = int.from_bytes(header[:4], "little")
            value_type = np.dtype(float_type).newbyteorder("<" if header_size in (348, 540) else ">")
            while chunk := file.read(_CHUNK):
                found += len(chunk)
                if float_type:
                    values = np.frombuffer(chunk, value_type, len(chunk) // value_type.itemsize)
                    not_finite += np.count_nonzero(~np.isfinite(values))
    except EOFError as error:
        raise UnsoundFileError("it is cut short (its compressed data end too early)") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnsoundFileError("its compressed data are damaged") from error
    _compare(found, data_bytes)
    if not_finite:
        raise UnsoundFileError(f"{not_finite:,} voxels are not a number or infinite")


def _check_meta_image(path: Path, reader: sitk.ImageFileReader) -> None:
    fields, header_bytes = _meta_image_header(path)
    data_file = fields.get("ElementDataFile", "LOCAL")
    if data_file.upper() == "LIST" or "%" in data_file:
        return  # one file a slice
    data_path, start = (path, header_bytes) if data_file.upper() == "LOCAL" else (path.parent / data_file, 0)
    if not data_path.is_file():
        raise UnsoundFileError(f"its voxels should be in {data_path.name}, which is missing")

    pixel = sitk.Image([1] * reader.GetDimension(), reader.GetPixelID(), reader.GetNumberOfComponents())
    expected = math.prod(reader.GetSize()) * pixel.GetSizeOfPixelComponent() * reader.GetNumberOfComponents()
    if fields.get("CompressedData", "False").lower() == "true":
        _compare(_inflated_size(data_path, start), expected)
    else:
        _compare(data_path.stat().st_size - start, expected)


def _meta_image_header(path: Path) -> tuple[dict[str, str], int]:
    """Return the header's fields and the number of bytes it takes; it ends after the line ElementDataFile."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for line in file:
            key, _, value = os.fsdecode(line).partition("=")
            fields[key.strip()] = value.strip()
            if key.strip() == "ElementDataFile":
                break
        return fields, file.tell()


def _inflated_size(path: Path, start: int) -> int:
    size = 0
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # zlib or gzip, whichever the stream says
    try:
        with path.open("rb") as file:
            file.seek(start)
            while not inflate.eof and (chunk := file.read(_CHUNK)):
                size += len(inflate.decompress(chunk))
    except zlib.error as error:
        raise UnsoundFileError("its compressed data are damaged") from error
    if not inflate.eof:
        raise UnsoundFileError("it is cut short (its compressed data end too early)")
    return size


def _compare(found: int, expected: int) -> None:
    if found < expected:
        raise UnsoundFileError(f"it is cut short ({found:,} of {expected:,} bytes)")
