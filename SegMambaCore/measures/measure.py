"""All figures of a segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.measures.axial_slices import AxialSlice, axial_slices
from SegMambaCore.measures.diameters import Chord, longest_chord, longest_perpendicular, pieces_of
from SegMambaCore.measures.intensity import mean_intensity
from SegMambaCore.measures.lesions import Lesion, find_lesions
from SegMambaCore.measures.measurable import is_measurable, least_diameter_mm
from SegMambaCore.measures.midsagittal import MidsagittalPlane
from SegMambaCore.measures.side import Side, side_of
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.volume import Grid, Volume


@dataclass(frozen=True)
class Diameter:
    """A straight line within a lesion, in an axial slice; start, end: RAS millimetres."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @property
    def length_mm(self) -> float:
        """Millimetres."""
        return float(np.linalg.norm(self.end - self.start))


@dataclass(frozen=True)
class LesionMeasures:
    """One enhancing lesion.

    part: its voxels.
    longest, perpendicular: the longest diameter over all axial slices, and the longest at right angles to it
    in the same slice; None for a lesion of a few voxels between the planes of an oblique grid.
    slices: how many axial slices show the lesion.
    centre: a position to look at it, RAS millimetres.
    """

    part: Lesion
    volume_ml: float
    side: Side
    longest: Diameter | None
    perpendicular: Diameter | None
    slices: int
    measurable: bool
    centre: NDArray[np.float64]

    @property
    def product_mm2(self) -> float | None:
        """The two diameters' product, square millimetres."""
        if self.longest is None or self.perpendicular is None:
            return None
        return self.longest.length_mm * self.perpendicular.length_mm


@dataclass(frozen=True)
class RegionMeasures:
    """WT, TC or ET as a whole.

    lesions, specks: its connected parts, and how many of them are specks.
    side: None where there is no lesion.
    mean_intensity: by contrast, in the volume's units; None where a contrast does not reach.
    """

    voxels: int
    volume_ml: float
    lesions: int
    specks: int
    side: Side | None
    mean_intensity: Mapping[str, float | None]


@dataclass(frozen=True)
class Measures:
    """regions: by key. lesions: the enhancing ones, the largest first. least_diameter_mm: see `measurable`."""

    regions: Mapping[str, RegionMeasures]
    lesions: tuple[LesionMeasures, ...]
    least_diameter_mm: float


def measure(
    segmentation: Segmentation, volumes: Mapping[str, Volume], plane: MidsagittalPlane | None
) -> Measures:
    """Return the figures of a segmentation's regions and enhancing lesions.

    volumes: by contrast, on any grids. plane: of the patient, None where it is not known.
    """
    grid = segmentation.grid
    return Measures(
        {key: measure_region(mask, grid, volumes, plane) for key, mask in segmentation.masks.items()},
        measure_lesions(segmentation.masks["ET"], grid, plane),
        least_diameter_mm(grid),
    )


def measure_region(
    mask: NDArray[np.bool_], grid: Grid, volumes: Mapping[str, Volume], plane: MidsagittalPlane | None
) -> RegionMeasures:
    """Return the figures of one region from its mask (k, j, i); arguments else as `measure`."""
    lesions = find_lesions(mask, grid)
    voxels = int(np.count_nonzero(mask))
    return RegionMeasures(
        voxels=voxels,
        volume_ml=voxels * grid.voxel_volume_ml,
        lesions=len(lesions),
        specks=sum(lesion.is_speck for lesion in lesions),
        side=side_of(lesions, plane) if lesions else None,
        mean_intensity={key: mean_intensity(mask, grid, volume) for key, volume in volumes.items()},
    )


def measure_lesions(
    enhancing: NDArray[np.bool_], grid: Grid, plane: MidsagittalPlane | None
) -> tuple[LesionMeasures, ...]:
    """Return the enhancing lesions of a mask (k, j, i), the largest volume first."""
    least = least_diameter_mm(grid)
    return tuple(_measure_lesion(lesion, least, plane) for lesion in find_lesions(enhancing, grid))


def _measure_lesion(lesion: Lesion, least_mm: float, plane: MidsagittalPlane | None) -> LesionMeasures:
    slices = axial_slices(lesion)
    longest, perpendicular = _diameters(slices)
    return LesionMeasures(
        part=lesion,
        volume_ml=lesion.volume_ml,
        side=side_of([lesion], plane),
        longest=longest,
        perpendicular=perpendicular,
        slices=len(slices),
        measurable=longest is not None
        and perpendicular is not None
        and is_measurable(longest.length_mm, perpendicular.length_mm, len(slices), least_mm),
        centre=_centre(lesion) if longest is None else (longest.start + longest.end) / 2,
    )


def _diameters(slices: list[AxialSlice]) -> tuple[Diameter | None, Diameter | None]:
    pieces = [(piece, one) for one in slices for piece in pieces_of(one.mask)]
    # Those with room for the longest first: most others need not be looked into.
    pieces.sort(key=lambda pair: -_room(*pair))
    best: tuple[Chord, NDArray[np.bool_], AxialSlice] | None = None
    for piece, one in pieces:
        length = best[0].length if best else 0.0
        if _room(piece, one) <= length:
            break
        if chord := longest_chord(piece, one.pixel_size, longer_than=length):
            best = chord, piece, one
    if best is None:
        return None, None
    chord, piece, one = best
    perpendicular = longest_perpendicular(piece, one.pixel_size, chord)
    # Only corners of the outline were tried as ends; between them a line can be longer by part of a pixel.
    while perpendicular.length > chord.length:
        chord, perpendicular = perpendicular, longest_perpendicular(piece, one.pixel_size, perpendicular)
    longest, across = (
        Diameter(one.to_ras(line.start), one.to_ras(line.end)) for line in (chord, perpendicular)
    )
    return longest, across


def _room(piece: NDArray[np.bool_], one: AxialSlice) -> float:
    """The diagonal of the box around a piece, millimetres."""
    rows, columns = (np.flatnonzero(piece.any(axis=axis)) for axis in (1, 0))
    width, height = one.pixel_size
    return float(np.hypot((np.ptp(columns) + 1) * width, (np.ptp(rows) + 1) * height))


def _centre(lesion: Lesion) -> NDArray[np.float64]:
    """The voxel of a lesion that is nearest to its centre of mass."""
    indices = np.argwhere(lesion.mask)[:, ::-1]
    points = indices @ lesion.grid.affine[:3, :3].T + lesion.grid.affine[:3, 3]
    return points[np.linalg.norm(points - points.mean(axis=0), axis=1).argmin()]
