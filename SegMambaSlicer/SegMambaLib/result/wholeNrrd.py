"""Whether a NRRD file holds all that its header promises."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path


def isWholeNrrd(path: Path) -> bool:
    """Whether the file can be read to its end, for 8-bit voxels, raw or gzipped.

    Slicer's own reader of segmentations does not report a damaged file: it ends the application, and the
    user's unsaved work with it.
    """
    try:
        header, _, data = path.read_bytes().partition(b"\n\n")
        lines = header.decode("utf-8").splitlines()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        voxelCount = math.prod(int(size) for size in fields["sizes"].split())
        voxels = gzip.decompress(data) if fields["encoding"] in ("gzip", "gz") else data
    except (OSError, EOFError, zlib.error, KeyError, ValueError):
        return False
    return len(voxels) >= voxelCount
