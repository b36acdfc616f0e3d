"""A head around a brain: meninges, skull, muscle, fat and skin, eyes and neck, in all four contrasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.skull import background_value
from SegMambaCore.sample.canvas import Canvas, Field, HeadFrame
from SegMambaCore.sample.shapes import ellipsoid, smooth_union
from SegMambaCore.volume.bounding_box import bounding_box
from SegMambaCore.volume.convert import from_sitk, to_sitk
from SegMambaCore.volume.resample import resample, to_orientation
from SegMambaCore.volume.volume import Grid, Volume

AIR, FLUID, DURA, BONE, MARROW, MUSCLE, FAT, SKIN, VITREOUS, CORD = range(10)

# Of the brain's median intensity in the same contrast.
_SIGNALS = {
    #       air  fluid  dura  bone marrow muscle fat  skin vitreous cord
    "t1n": (0.0, 0.35, 0.60, 0.10, 1.15, 0.60, 1.70, 1.00, 0.35, 1.00),
    "t1c": (0.0, 0.35, 1.50, 0.10, 1.15, 0.70, 1.70, 1.10, 0.35, 1.00),
    "t2w": (0.0, 2.60, 0.35, 0.10, 0.90, 0.40, 1.40, 0.75, 2.80, 0.90),
    "t2f": (0.0, 0.35, 0.60, 0.10, 0.85, 0.55, 1.40, 0.80, 0.35, 0.95),
}

_MARGINS_MM = ((58, 24), (32, 36), (28, 28))
"""Around the brain: below and above, in front and behind, on the sides."""


@dataclass(frozen=True)
class Head:
    """The contrasts with a head around the brain, and the brain's mask, all on one grid in "LPS" orientation."""

    volumes: dict[str, Volume]
    brain: Volume


def put_into_head(volumes: dict[str, Volume], rng: np.random.Generator) -> Head:
    """Draw a head around a brain that was stripped of it.

    volumes: by role, on one grid, 0 or another single value around the brain. The brain's voxels stay exactly
    as they are; gaps between it and the skull become fluid.
    """
    brains = {role: _with_margins(to_orientation(volume, "LPS")) for role, volume in volumes.items()}
    brain = np.logical_or.reduce([volume.array > 0 for volume in brains.values()])
    grid = next(iter(brains.values())).grid
    canvas = Canvas(grid.shape, grid.spacing)
    tissue = _draw(rng, canvas, brain, grid)
    heads = {}
    for role, volume in brains.items():
        signal = _signal(rng, role, canvas, tissue, float(np.median(volume.array[brain])))
        array = np.where(volume.array > 0, volume.array, signal.astype(np.float32))
        heads[role] = Volume(array.astype(np.float32), grid.affine, volume.name)
    return Head(heads, Volume(_filled(brain, grid).astype(np.uint8), grid.affine, "brain"))


def _with_margins(volume: Volume) -> Volume:
    """Cut the volume to the brain, with room for a head around it; background becomes 0."""
    array = volume.array.astype(np.float32)
    array = np.where(volume.array == background_value(volume.array), 0, np.maximum(array, 1e-3))
    box = bounding_box(array > 0)
    assert box is not None
    margins = [
        [round(mm / step) for mm in pair]
        for pair, step in zip(_MARGINS_MM, volume.grid.spacing[::-1], strict=True)
    ]
    start = tuple(side.start - margin[0] for side, margin in zip(box, margins, strict=True))
    affine = volume.affine.copy()
    affine[:, 3] = volume.affine @ (*start[::-1], 1.0)
    return Volume(np.pad(array[box], margins), affine, volume.name)


def _draw(
    rng: np.random.Generator, canvas: Canvas, brain: NDArray[np.bool_], grid: Grid
) -> NDArray[np.uint8]:
    """Return the tissue of each voxel that is not brain."""
    noise = partial(canvas.noise, rng)
    frame = _frame_of_brain(canvas, brain)
    hull = _distance_to_hull(brain, grid)
    cord = np.sqrt(frame.x**2 + (frame.y + 22 - 0.12 * (frame.z + 60)) ** 2) + 0 * frame.z
    below = frame.z < -45

    cranium = hull - 15.5 - 1.5 * noise(25)
    face = ellipsoid(frame, (0, 48, -62), (58, 48, 62)) + 1.5 * noise(18)
    jaw = ellipsoid(frame, (0, 52, -105), (46, 40, 40))
    neck = np.sqrt((frame.x / 1.15) ** 2 + (frame.y + 18) ** 2) - 52 + 2 * noise(25) + 0 * frame.z
    neck = np.maximum(neck, frame.z + 40)
    surface = smooth_union([cranium, face, jaw, neck], 12)

    tissue = np.full(canvas.shape, AIR, dtype=np.uint8)
    tissue[surface < 0] = SKIN
    tissue[surface < -2.0 - 0.3 * noise(6)] = FAT
    tissue[surface < -4.8 - 1.2 * noise(15) - 3 * below] = MUSCLE
    deep = (surface < -9) & (hull > 10)
    tissue[deep & (noise(5) > 0.9)] = FAT
    thickness = 6.0 + 1.2 * noise(25)
    inner = 1.8 + 0.6 * noise(12)
    tissue[hull < inner + thickness] = BONE
    middle = np.abs(hull - inner - 0.5 * thickness)
    tissue[(middle < 0.5 * thickness - 1.6 + 0.4 * noise(8)) & (surface < -4)] = MARROW
    tissue[hull < inner] = DURA
    tissue[hull < inner - 0.9] = FLUID
    sinuses = smooth_union(
        [
            ellipsoid(frame, (0, 66, -50), (13, 24, 24)),
            *(ellipsoid(frame, (side * 27, 56, -66), (12, 16, 15)) for side in (-1, 1)),
        ],
        3,
    )
    outside = hull > 6
    tissue[outside & (sinuses < 0) & (surface < -6)] = MUSCLE
    tissue[outside & (sinuses < -1.5 - 1.0 * noise(4)) & (surface < -6)] = AIR
    for side in (-1, 1):
        orbit = ellipsoid(frame, (side * 32, 58, -30), (19, 24, 18))
        globe = ellipsoid(frame, (side * 32, 68, -30), (12, 12, 12))
        nerve = np.sqrt((np.abs(frame.x - side * 28)) ** 2 + (frame.z + 30) ** 2) + 0 * frame.y
        tissue[outside & (orbit < 0)] = FAT
        tissue[outside & (orbit < 0) & (nerve < 2.5)] = MUSCLE
        tissue[outside & (globe < 1.2)] = MUSCLE
        tissue[outside & (globe < 0)] = VITREOUS
    canal = below & (hull > -1)
    tissue[canal & (cord < 17) & (cord >= 10)] = BONE
    tissue[canal & (cord < 15) & (cord >= 11) & (noise(6) > -0.5)] = MARROW
    tissue[canal & (cord < 10)] = FLUID
    tissue[canal & (cord < 6)] = CORD
    return tissue


def _frame_of_brain(canvas: Canvas, brain: NDArray[np.bool_]) -> HeadFrame:
    """Return the head frame with its origin in the middle of the brain's box, scaled to a brain of 140 x 175 mm."""
    box = bounding_box(brain)
    assert box is not None
    k, j, i = (
        (np.arange(count, dtype=np.float32) - (side.start + side.stop - 1) / 2) * step
        for count, side, step in zip(canvas.shape, box, canvas.spacing[::-1], strict=True)
    )
    wide = np.float32(140 / ((box[2].stop - box[2].start) * canvas.spacing[0]))
    long = np.float32(175 / ((box[1].stop - box[1].start) * canvas.spacing[1]))
    return HeadFrame(-wide * i[None, None, :], -long * j[None, :, None], k[:, None, None])


def _distance_to_hull(brain: NDArray[np.bool_], grid: Grid) -> Field:
    """Return millimetres to the brain's closed outline, negative inside; computed at 2 mm."""
    mask = to_sitk(Volume(_filled(brain, grid).astype(np.uint8), grid.affine))
    coarse = sitk.BinShrink(sitk.Cast(mask, sitk.sitkFloat32), [2, 2, 2]) > 0.5
    closed = sitk.BinaryMorphologicalClosing(coarse, [8, 8, 8])
    distance = sitk.SignedMaurerDistanceMap(closed, False, False, True)
    smooth = from_sitk(sitk.SmoothingRecursiveGaussian(distance, 2.0), "distance")
    # At the edge of the coarse grid the nearest value goes on.
    return resample(smooth, grid, outside=99.0).array


def _filled(brain: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """Close clefts and ventricles that the stripped volume has as background."""
    image = to_sitk(Volume(brain.astype(np.uint8), grid.affine))
    closed = sitk.BinaryMorphologicalClosing(image, [2, 2, 2])
    return sitk.GetArrayFromImage(sitk.BinaryFillhole(closed)) > 0


def _signal(
    rng: np.random.Generator, role: str, canvas: Canvas, tissue: NDArray[np.uint8], median: float
) -> NDArray[np.float32]:
    signals = np.array(_SIGNALS[role], dtype=np.float32) * np.float32(median)
    sharp = sitk.GetImageFromArray(signals[tissue])
    blurred = sitk.GetArrayFromImage(sitk.DiscreteGaussian(sharp, [0.5**2] * 3))
    texture = 1 + 0.08 * canvas.noise(rng, 1.2) + 0.10 * canvas.noise(rng, 10)
    return np.maximum(blurred * texture, 0).astype(np.float32)
