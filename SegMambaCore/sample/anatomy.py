"""The healthy brain of the phantom: which tissue lies where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.sample.canvas import Canvas, Field, HeadFrame, Mass
from SegMambaCore.sample.shapes import ellipsoid, smooth_union

CSF, CORTEX, WHITE, DEEP_GREY, VESSEL = range(5)
_FAR = np.float32(99)


@dataclass(frozen=True)
class Anatomy:
    """Arrays (k, j, i).

    tissue: one of the constants above; brain: what skull stripping leaves; depth: millimetres below its
    surface.
    """

    tissue: NDArray[np.uint8]
    brain: NDArray[np.bool_]
    depth: Field


def draw_anatomy(rng: np.random.Generator, canvas: Canvas, mass: Mass) -> Anatomy:
    """Draw a brain with folded cortex, ventricles, deep grey matter, cerebellum and a few bright vessels.

    The mass displaces everything inside; the surface of the brain stays where it is.
    """
    frame, noise = canvas.frame, partial(canvas.noise, rng)
    surface = canvas.coarse_frame
    pushed = surface.pushed_from(mass)

    cerebellum = canvas.refine(ellipsoid(surface, (0, -52, -40), (46, 29, 20))) + 1.0 * noise(8)
    cerebrum = canvas.refine(_cerebrum(surface)) + 1.2 * noise(9)
    brainstem = canvas.refine(ellipsoid(surface, (0, -20, -38), (12, 12, 30), tilt_degrees=-12))
    depth = -smooth_union([cerebrum, cerebellum, brainstem], 3)
    in_cerebrum = (cerebrum < cerebellum) & (brainstem > 2)
    in_cerebellum = ~in_cerebrum & (cerebellum < 0)

    sheet = _sulci(canvas, noise, depth, pushed)
    ribbon = np.minimum(depth, sheet)
    ventricles = canvas.refine(_ventricles(pushed)) + 0.8 * noise(8)

    tissue = np.full(canvas.shape, WHITE, dtype=np.uint8)
    tissue[in_cerebrum & (ribbon < 3.6 + 0.5 * noise(10))] = CORTEX
    tissue[canvas.refine(_deep_grey(pushed)) < 0.8 * noise(5)] = DEEP_GREY
    # The cerebellum's leaves are finer than the voxels: a core of white matter within grey, with a few
    # clefts.
    arbor = canvas.refine(ellipsoid(surface, (0, -46, -38), (32, 15, 8))) + 4 * noise(5)
    tissue[in_cerebellum & (arbor > 0)] = CORTEX
    tissue[in_cerebellum & (arbor > 4) & (_distance_to_zero(noise(2.5), canvas) < 0.35)] = CSF
    tissue[in_cerebrum & (sheet < 0.6 + 0.4 * noise(12))] = CSF
    tissue[depth < 0.7 + 0.7 * noise(10)] = CSF
    tissue[ventricles < 0] = CSF

    vessels = (noise(3.0) > 2.0) & (ribbon < 1.5) & in_cerebrum
    sinus = (np.abs(frame.x) < 3) & (depth < 4) & ((frame.z > 25) | (frame.y < -55)) & in_cerebrum
    choroid = (ventricles < -1.5) & (np.abs(frame.y + 25) < 10) & (noise(2.5) > 0.5)
    tissue[vessels | sinus | choroid] = VESSEL
    return Anatomy(tissue, depth > 0, depth)


def _sulci(canvas: Canvas, noise: Callable[[float], Field], depth: Field, pushed: HeadFrame) -> Field:
    """Return the distance in mm to the nearest sulcus or fissure."""
    x, y, z = (
        canvas.refine(np.broadcast_to(axis, canvas.coarse_shape)) for axis in (pushed.x, pushed.y, pushed.z)
    )
    callosum = canvas.refine(ellipsoid(pushed, (0, -2, 17), (24, 40, 9)))
    # Sulci are sheets on which a random field vanishes, as deep as another one says.
    folds = np.where(depth < 19 + 5 * noise(15), _distance_to_zero(noise(4.0), canvas), _FAR)
    between_hemispheres = (z > -25) & (((callosum > 0) & (z > 5)) | ((depth < 30) & (y > 30)))
    longitudinal = np.where(between_hemispheres, np.abs(x + 1.5 * noise(14)), _FAR)
    beside_insula = (np.abs(x) > 32) & (np.abs(y - 2) < 30) & (depth < 26)
    sylvian = np.where(beside_insula, np.abs(z + 12 + 0.25 * (30 - y) + 3 * noise(10)) - 0.6, _FAR)
    return np.minimum(np.minimum(folds, longitudinal), sylvian)


def _cerebrum(frame: HeadFrame) -> Field:
    hemispheres = [ellipsoid(frame, (side * 22, -2, 14), (43, 82, 52)) for side in (-1, 1)]
    temporal = [ellipsoid(frame, (side * 42, 2, -26), (23, 44, 22), tilt_degrees=-8) for side in (-1, 1)]
    whole = smooth_union(hemispheres, 2)
    # The base is flatter than an ellipsoid, frontal lobes end above the eyes.
    base = -(frame.z + 24 - 0.12 * frame.y)
    whole = -smooth_union([-whole, -base], 6)
    return smooth_union([whole, *temporal], 5)


def _ventricles(frame: HeadFrame) -> Field:
    parts = [ellipsoid(frame, (0, -4, -2), (2.2, 13, 9)), ellipsoid(frame, (0, -42, -32), (6, 6, 7))]
    for side in (-1, 1):
        parts.append(ellipsoid(frame, (side * 10, 4, 14), (6.0, 34, 7.0), tilt_degrees=-4))
        parts.append(ellipsoid(frame, (side * 23, -36, 6), (6.5, 18, 8.0), tilt_degrees=12))
        parts.append(ellipsoid(frame, (side * 33, -14, -14), (3.5, 20, 3.5), tilt_degrees=-20))
    return smooth_union(parts, 3)


def _deep_grey(frame: HeadFrame) -> Field:
    parts = []
    for side in (-1, 1):
        parts.append(ellipsoid(frame, (side * 11, -11, 4), (8.5, 14, 8.5)))
        parts.append(ellipsoid(frame, (side * 14, 18, 7), (5, 11, 9)))
        parts.append(ellipsoid(frame, (side * 25, 5, 1), (5.5, 16, 10)))
    return smooth_union(parts, 1)


def _distance_to_zero(field: Field, canvas: Canvas) -> Field:
    """Return the distance in mm to where a field vanishes, which is its size divided by its slope."""
    slopes = np.gradient(field, *canvas.spacing[::-1])
    return np.abs(field) / np.sqrt(sum(slope**2 for slope in slopes) + np.float32(1e-8))
