"""Noticing volumes that lie apart although their headers overlap.

The figure is normalised mutual information (Studholme et al., Pattern Recognition 32, 1999): (H(A) + H(B))
/ H(A, B), 1 for unrelated volumes, 2 for volumes of which each follows from the other. Its value says more
about the contrasts
than about their fit, so each volume is compared with itself in other places: where a small motion would
raise the figure, the volume lies apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.volume.convert import lps_geometry, to_sitk
from SegMambaCore.volume.resample import grid_at_spacing
from SegMambaCore.volume.volume import Grid, Volume

_SAMPLE_SPACING_MM = 4.0
_LEVELS = 32
_LEAST_SAMPLES = 1000
# 44 real cases of four contrasts each: with steps of this size no aligned pair of volumes is reported, nor
# one that is 3 mm or 3 degrees apart; half of those at 5 mm or 5 degrees are, and practically all (99 %) from
# 8 mm or 8 degrees on.
_STEP_MM = 8.0
_STEP_DEGREES = 8.0


@dataclass(frozen=True)
class Fit:
    """How well a volume fits the reference: normalised mutual information as it lies, and after the best
    motion.

    The motions are one step along or one turn about each axis, either way.
    """

    as_it_lies: float
    after_motion: float

    @property
    def lies_apart(self) -> bool:
        """Whether a motion would improve the fit."""
        return self.after_motion > self.as_it_lies


def misalignment_warnings(case: Case) -> tuple[str, ...]:
    """Return a sentence for each volume of a case that does not seem to lie where the reference does."""
    reference = case.reference_volume
    title = f"{ROLE_TITLES[case.reference]} ({reference.name})"
    fits = {
        role: measure_fit(volume, reference)
        for role, volume in case.volumes.items()
        if role != case.reference
    }
    return tuple(
        f"{ROLE_TITLES[role]} ({case.volumes[role].name}) does not seem to fit onto {title}: moved by some "
        f"{_STEP_MM:g} mm or {_STEP_DEGREES:g} degrees it would fit better. Did the patient move between "
        "them? Compare them and register them first."
        for role, fit in fits.items()
        if fit.lies_apart
    )


def measure_fit(volume: Volume, reference: Volume) -> Fit:
    """Compare two volumes on a lattice of 4 mm over the reference, as they lie and after small motions."""
    grid = grid_at_spacing(reference.grid, (_SAMPLE_SPACING_MM,) * 3)
    fixed = _levels(_sample(to_sitk(reference), grid, sitk.Transform(3, sitk.sitkIdentity)), reference.array)
    image = to_sitk(volume)
    as_it_lies, *after_motions = (
        _mutual_information(fixed, _levels(_sample(image, grid, motion), volume.array))
        for motion in _motions(grid)
    )
    return Fit(as_it_lies, max(after_motions))


def normalised_mutual_information(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the figure for two lists of samples (n,) at the same points."""
    return _mutual_information(*(_levels(values, values[:, None, None]) for values in (a, b)))


def _motions(grid: Grid) -> list[sitk.Transform]:
    """Return the identity, then the steps and the turns about the grid's centre."""
    k, j, i = grid.shape
    centre = np.diag([-1.0, -1.0, 1.0]) @ (grid.affine @ ((i - 1) / 2, (j - 1) / 2, (k - 1) / 2, 1.0))[:3]
    steps = [np.zeros(3), *(sign * _STEP_MM * axis for axis in np.eye(3) for sign in (1, -1))]
    turns = [sign * np.deg2rad(_STEP_DEGREES) * axis for axis in np.eye(3) for sign in (1, -1)]
    return [
        *(sitk.TranslationTransform(3, step.tolist()) for step in steps),
        *(sitk.Euler3DTransform(centre.tolist(), *turn.tolist()) for turn in turns),
    ]


def _sample(image: sitk.Image, grid: Grid, motion: sitk.Transform) -> NDArray[np.float32]:
    """Return the moved image's values on the grid, NaN outside its field of view."""
    origin, spacing, direction = lps_geometry(grid)
    sampled = sitk.Resample(
        image, grid.shape[::-1], motion, sitk.sitkLinear, origin, spacing, direction, np.nan, sitk.sitkFloat32
    )
    return sitk.GetArrayFromImage(sampled)


def _levels(samples: NDArray[np.float32], array: NDArray) -> NDArray[np.int64]:
    """Sort samples of an array into equal steps of its intensity range; -1 where there is no sample."""
    some = array[::3, ::3, ::3]
    low, high = np.percentile(some, [0.5, 99.5])
    if low == high:
        low, high = array.min(), array.max()
    scaled = np.clip((samples - np.float32(low)) / np.float32(high - low), 0.0, 1.0) * (_LEVELS - 1)
    return np.where(np.isnan(scaled), -1.0, np.rint(scaled)).astype(np.int64)


def _mutual_information(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    both = (a >= 0) & (b >= 0)
    if np.count_nonzero(both) < _LEAST_SAMPLES:
        return 1.0
    joint = (
        np.bincount(a[both] * _LEVELS + b[both], minlength=_LEVELS**2).reshape(_LEVELS, _LEVELS) / both.sum()
    )
    information = _entropy(joint)
    if information == 0:  # all samples alike in both volumes: nothing to compare
        return 1.0
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / information


def _entropy(p: NDArray[np.float64]) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
