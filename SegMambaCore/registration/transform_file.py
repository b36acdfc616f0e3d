"""A rigid motion as ITK's transform file, which 3D Slicer, ITK-SNAP and ANTs read."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.convert import lps_transform, ras_matrix
from SegMambaCore.whole_file import write_whole_file

SUFFIXES = (".tfm", ".txt")


def write_transform(matrix: NDArray[np.float64], path: Path) -> None:
    """Write a 4 x 4 matrix (RAS mm, moving to fixed) as the file (LPS, fixed to moving) that ITK resamples
    with.

    3D Slicer turns it round when it loads it: the node's matrix to parent is `matrix` again, and the moving
    volume under it lies on the fixed one. Raises SegMambaError when the file cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:  # SimpleITK writes to a path only
        part = Path(folder, "transform.tfm")
        sitk.WriteTransform(lps_transform(np.linalg.inv(matrix).astype(np.float64)), str(part))
        content = part.read_bytes()
    write_whole_file(path, content)


def read_transform(path: Path) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix (RAS mm, moving to fixed) of a linear ITK transform file.

    Raises SegMambaError when it cannot be read or is not linear.
    """
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise SegMambaError(f"{path}: this is not an ITK transform file that can be read.") from error
    if not transform.IsLinear():
        raise SegMambaError(f"{path}: the transform is not linear. Give a rigid or affine one.")
    return np.linalg.inv(ras_matrix(transform)).astype(np.float64)
