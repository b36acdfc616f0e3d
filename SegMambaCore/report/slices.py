"""Slices as a radiologist hangs them: the patient's right on the left, anterior or superior at the top."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.volume.bounding_box import Box, bounding_box
from SegMambaCore.volume.head import head_threshold
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Grid, Volume

DISPLAY_ORIENTATION = "LPS"
"""Arrays in this orientation have right, anterior and inferior at their low indices."""

_OBLIQUE_LETTER = 0.34  # a direction cosine: 20 degrees away from the other axes


@dataclass(frozen=True)
class Plane:
    """A slice plane in the display orientation; axis: the one of the array's axes (k, j, i) it cuts."""

    title: str
    axis: int


PLANES = (Plane("Axial", 0), Plane("Sagittal", 2), Plane("Coronal", 1))


def cut(volume: Volume, grid: Grid, plane: Plane, index: int, box: Box) -> NDArray:
    """Return one slice of a grid, inside a box, as an image with its first row on top.

    volume: on any grid; grid, box: in the display orientation, as the result. Where the volume does not lie
    on the grid, this slice alone is interpolated.
    """
    sides = list(box)
    sides[plane.axis] = slice(index, index + 1)
    if volume.grid.matches(grid):
        slab = volume.array[tuple(sides)]
    else:
        k, j, i = sides
        start, shape = (k.start, j.start, i.start), (k.stop - k.start, j.stop - j.start, i.stop - i.start)
        slab = resample(volume, grid.box(start, shape)).array
    image = np.squeeze(slab, axis=plane.axis)
    return image if plane.axis == 0 else image[::-1]


def pixel_size(grid: Grid, plane: Plane) -> tuple[float, float]:
    """Millimetres from row to row and from column to column of a slice."""
    rows, columns = (axis for axis in range(3) if axis != plane.axis)
    return grid.spacing[2 - rows], grid.spacing[2 - columns]


def edge_letters(grid: Grid, plane: Plane) -> tuple[str, str, str, str]:
    """What a slice's left, right, top and bottom edge point to: "R", or "RA" where the axes are oblique."""
    rows, columns = (2 - axis for axis in range(3) if axis != plane.axis)  # axes of the affine: i, j, k
    right = grid.affine[:3, columns]
    bottom = grid.affine[:3, rows] if plane.axis == 0 else -grid.affine[:3, rows]
    return _letters(-right), _letters(right), _letters(-bottom), _letters(bottom)


def slice_offset(grid: Grid, plane: Plane, index: int) -> str:
    """Where a slice lies along its own normal, in the letters and millimetres of RAS: "S 23.5 mm"."""
    step = grid.affine[:3, 2 - plane.axis]
    normal = step / np.linalg.norm(step)
    offset = float(normal @ (grid.affine[:3, 3] + index * step))
    letters = _letters(normal if offset >= 0 else -normal)
    return f"{letters} {abs(offset):.1f} mm"


def largest_cross_section(masks: Iterable[NDArray[np.bool_]], plane: Plane) -> int | None:
    """Return the slice that shows all masks best, None where they are empty.

    It is the one with the largest sum of cross-sections, each measured against the largest of its own mask:
    the largest mask alone would often choose a slice that misses the smaller ones.
    """
    others = tuple(axis for axis in range(3) if axis != plane.axis)
    areas = [np.count_nonzero(mask, axis=others) for mask in masks]
    shares = [area / area.max() for area in areas if area.any()]
    return int(np.argmax(np.sum(shares, axis=0))) if shares else None


def content_box(volume: Volume, masks: Iterable[NDArray[np.bool_]], margin_mm: float) -> Box:
    """The box around what a volume shows and what the masks cover, in the volume's voxels, with a margin."""
    seen = volume.array > head_threshold(volume.array)
    for mask in masks:
        seen |= mask
    box = bounding_box(seen) or (slice(0, n) for n in seen.shape)
    k, j, i = (
        slice(max(side.start - round(margin_mm / step), 0), min(side.stop + round(margin_mm / step), count))
        for side, step, count in zip(box, volume.grid.spacing[::-1], seen.shape, strict=True)
    )
    return k, j, i


def _letters(direction: NDArray[np.float64]) -> str:
    cosines = direction / np.linalg.norm(direction)
    named = [(abs(c), pair[0 if c > 0 else 1]) for c, pair in zip(cosines, ("RL", "AP", "SI"), strict=True)]
    named.sort(reverse=True)
    return "".join(letter for cosine, letter in named if cosine >= _OBLIQUE_LETTER)
