"""Folders of label maps, made for the test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

SHAPE = (24, 26, 22)


def tumor(shift: int = 0, enhancing: int = 3, cavity: bool = False) -> NDArray[np.uint8]:
    """Three nested boxes, moved by some voxels; 8 voxels of label 4 beside them if wanted."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[4 + shift : 14 + shift, 4:14, 4:14] = 2
    labels[6 + shift : 12 + shift, 6:12, 6:12] = 1
    labels[7 + shift : 11 + shift, 7:11, 7:11] = enhancing
    if cavity:
        labels[18:20, 18:20, 18:20] = 4
    return labels


def save(
    labels: NDArray[np.uint8], path: Path, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Path:
    """Write labels (k, j, i); spacing along i, j, k."""
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path
