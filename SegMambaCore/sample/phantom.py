"""A synthetic patient: four contrasts of a brain with a tumour, as a skull-stripped BraTS case would look."""

from __future__ import annotations

from functools import partial

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.sample.anatomy import Anatomy, draw_anatomy
from SegMambaCore.sample.canvas import Canvas, Field
from SegMambaCore.sample.tumour import ENHANCING, NECROSIS, OEDEMA, TumourPlan, draw_tumour
from SegMambaCore.volume.volume import Grid, Volume

SHAPE = (150, 192, 160)

# Intensities in standard deviations from the brain's mean, after medians of real cases.
_TISSUE_SCORES = {
    #        CSF  cortex  white  deep grey  vessel
    "t1n": (-2.5, -0.40, 0.75, 0.10, -0.5),
    "t1c": (-2.0, -0.45, 0.40, -0.05, 3.5),
    "t2w": (3.4, 0.05, -0.60, -0.35, 0.8),
    "t2f": (-2.4, 0.40, -0.15, 0.00, -0.6),
}
_TUMOUR_SCORES = {
    #        necrosis  oedema  enhancing
    "t1n": (-0.8, -0.35, -0.3),
    "t1c": (-0.8, -0.5, 2.3),
    "t2w": (1.6, 1.5, 0.9),
    "t2f": (1.5, 1.9, 1.8),
}
_SCANNER_UNITS = {"t1n": (420.0, 110.0), "t1c": (460.0, 120.0), "t2w": (380.0, 150.0), "t2f": (350.0, 90.0)}
"""Mean and standard deviation of the brain's intensities."""


def make_phantom(
    seed: int = 0, shape: tuple[int, int, int] = SHAPE, affine: NDArray[np.float64] | None = None
) -> tuple[Case, Volume]:
    """Draw a case with its label map (1 necrosis, 2 oedema, 3 enhancing tumour).

    seed: of anatomy, contrast, and the tumour's place, size and shape. shape: voxels (k, j, i); the head
    needs some 150 x 190 x 145 mm. affine: (i, j, k, 1) -> RAS mm of an array in "LPS" orientation; an
    oblique one of 1 mm unless given.
    """
    rng = np.random.default_rng(seed)
    grid = Grid(shape, _oblique_affine(shape) if affine is None else affine)
    canvas = Canvas(shape, grid.spacing)
    plan = TumourPlan.drawn(rng)
    anatomy = draw_anatomy(rng, canvas, plan.mass)
    labels, core_edge = draw_tumour(rng, canvas, plan, anatomy)
    fading = core_edge / plan.oedema
    volumes = {
        role: Volume(_scan(rng, role, canvas, anatomy, labels, fading), grid.affine, f"phantom {role}")
        for role in ROLES
    }
    return Case(volumes), Volume(labels, grid.affine, "phantom labels")


def _scan(
    rng: np.random.Generator,
    role: str,
    canvas: Canvas,
    anatomy: Anatomy,
    labels: NDArray[np.uint8],
    fading: Field,
) -> NDArray[np.int16]:
    """Return one contrast in a scanner's units, 0 outside the brain.

    fading: 0 at the edge of the tumour's core, 1 where its oedema ends.
    """
    noise = partial(canvas.noise, rng)
    tissue_scores = np.array(_TISSUE_SCORES[role], dtype=np.float32)
    necrosis, oedema, enhancing = (score + 0.15 * rng.standard_normal() for score in _TUMOUR_SCORES[role])
    scores = tissue_scores[anatomy.tissue]
    # Oedema fades into the white matter that it lies in.
    fullness = np.clip(1.15 - 0.6 * fading, 0.35, 1.0) * (1 + 0.12 * noise(5))
    scores = np.where(labels == OEDEMA, scores + fullness * (np.float32(oedema) - scores), scores)
    scores = np.where(labels == ENHANCING, enhancing + 0.35 * noise(3), scores)
    scores = np.where(labels == NECROSIS, necrosis + 0.4 * noise(4) + 0.2 * noise(1.5), scores)

    sharp = sitk.GetImageFromArray(scores.astype(np.float32))
    blurred = sitk.GetArrayFromImage(sitk.DiscreteGaussian(sharp, [0.55**2] * 3))
    texture = 0.12 * noise(1.2) + 0.2 * noise(12)
    grain = 0.10 * rng.standard_normal(labels.shape, dtype=np.float32)
    mean, deviation = _SCANNER_UNITS[role]
    signal = mean + deviation * (blurred + texture + grain)
    signal *= 1 + 0.05 * noise(60)
    return np.where(anatomy.brain, np.clip(np.rint(signal), 1, None), 0).astype(np.int16)


def _oblique_affine(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return an affine of 1 mm, array axes roughly to L, P, S: turned by 8 and 11 degrees, off centre."""
    nod, tilt = np.deg2rad(11.0), np.deg2rad(8.0)
    about_x = np.array([[1, 0, 0], [0, np.cos(nod), -np.sin(nod)], [0, np.sin(nod), np.cos(nod)]])
    about_y = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = about_y @ about_x @ np.diag([-1.0, -1.0, 1.0])
    middle = (np.array(shape[::-1]) - 1) / 2
    affine[:3, 3] = np.array([7.5, -12.0, 23.0]) - affine[:3, :3] @ middle
    return affine
