"""Whether a DICOM file holds all of the pixels that its header promises.

Older versions of GDCM, such as the one in 3D Slicer's SimpleITK 2.5.2, fill in for pixels that are missing at the
end of a file, without a word.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_PIXEL_DATA = b"\xe0\x7f\x10\x00"  # (7fe0,0010) in little endian


def is_cut_short(path: Path, pixel_bytes: int) -> bool:
    """Return whether a file ends before its pixels do.

    pixel_bytes: what they take uncompressed. Compressed pixels, which do not unpack when some are missing, and
    those in big endian, which DICOM has retired, are not judged.
    """
    length = struct.pack("<I", pixel_bytes + pixel_bytes % 2)
    elements = [_PIXEL_DATA + kind + length for kind in (b"OW\0\0", b"OB\0\0", b"")]  # "": implicit
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        # The last one, as an icon has pixels of its own.
        ends = [start + len(element) for element in elements if (start := content.rfind(element)) >= 0]
        return any(len(content) < end + pixel_bytes for end in ends[:1])
