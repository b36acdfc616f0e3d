"""NIfTI-1 files put together by hand after the standard: independent of the reader under test."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_CODES = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64, "int8": 256, "uint16": 512,
          "uint32": 768, "int64": 1024}  # fmt: skip


def nifti_bytes(
    array: NDArray,
    *,
    sform: NDArray | None = None,
    sform_code: int = 1,
    qform: tuple[float, ...] | None = None,
    pixdim: tuple[float, ...] = (1, 1, 1, 1),
    slope: tuple[float, float] = (0, 0),
) -> bytes:
    """Return a .nii file of an array (..., k, j, i); qform: quaternion b, c, d and offset x, y, z."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    dim = [array.ndim, *array.shape[::-1]]
    struct.pack_into("<8h", header, 40, *dim, *[1] * (8 - len(dim)))
    struct.pack_into("<hh", header, 70, _CODES[array.dtype.name], 8 * array.itemsize)
    struct.pack_into("<8f", header, 76, *pixdim, 1, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, *slope)
    header[123] = 2  # millimetres
    if qform is not None:
        struct.pack_into("<h", header, 252, 1)
        struct.pack_into("<6f", header, 256, *qform)
    if sform is not None:
        struct.pack_into("<h", header, 254, sform_code)
        struct.pack_into("<12f", header, 280, *np.asarray(sform, dtype=float)[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header) + array.astype(array.dtype.newbyteorder("<")).tobytes()
