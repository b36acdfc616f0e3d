"""The box of voxels that a network needs to see."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.volume.bounding_box import bounding_box

Corner = tuple[int, int, int]

_BLOCK = 4  # specks are told from brain on blocks of so many voxels a side, 64 times faster than on voxels
_SPECK_SHARE = 1e-3  # a piece with a smaller share of all content is a speck; 1 to 2 mL for a brain


def exact_box(content: NDArray[np.bool_]) -> tuple[Corner, Corner]:
    """Return start and shape (k, j, i) of the smallest box around the true voxels; there must be some."""
    box = bounding_box(content)
    assert box is not None
    k, j, i = box
    return (k.start, j.start, i.start), (k.stop - k.start, j.stop - j.start, i.stop - i.start)


def grown_box(content: NDArray[np.bool_], multiple: int) -> tuple[Corner, Corner]:
    """Return `exact_box` grown on both sides alike, until each side is a multiple; it may leave the array."""
    start, shape = exact_box(content)
    k, j, i = (
        (first - (-length % multiple) // 2, length + -length % multiple)
        for first, length in zip(start, shape, strict=True)
    )
    return (k[0], j[0], i[0]), (k[1], j[1], i[1])


def without_dust(content: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the content without specks: small pieces several voxels away from everything large."""
    blocks = _count_in_blocks(content)
    pieces = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray((blocks > 0).astype(np.uint8)), True)
    )
    voxels_by_piece = np.bincount(pieces.ravel(), weights=blocks.ravel())
    large = voxels_by_piece >= _SPECK_SHARE * blocks.sum()
    large[0] = False  # the empty blocks
    if large[1:].all():
        return content
    kept = large[pieces]
    for axis in range(3):
        kept = kept.repeat(_BLOCK, axis=axis)
    k, j, i = content.shape
    return content & kept[:k, :j, :i]


def _count_in_blocks(content: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of true voxels in each block; the last blocks of a side may be smaller."""
    counts = content.astype(np.uint8)
    for axis in range(3):
        counts = np.add.reduceat(counts, range(0, content.shape[axis], _BLOCK), axis=axis, dtype=np.uint8)
    return counts.astype(np.int64)
