"""One place of the moving head, and its way to the nearest maximum of mutual information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.registration.head_image import HeadImage

_START_TURN_DEGREES = 18.0
_LEAST_OVERLAP = 0.25  # mutual information over less than that is large by chance

_BINS = 40
_SAMPLES = 100_000  # on a regular lattice; ITK shakes each point within its cell
_SEED = 1
_ITERATIONS = 200
_FIRST_STEP_MM = {6.0: 4.0, 3.0: 1.5, 1.5: 0.5}
_LAST_STEP_MM = {6.0: 0.3, 3.0: 0.05, 1.5: 0.01}
_RELAXATION = 0.9  # of the step where the gradient turns; ITK's 0.5 stops short of the maximum


@dataclass(frozen=True)
class Candidate:
    """transform: from the fixed to the moving head, LPS, as ITK resamples; information: mutual, in nats;
    overlap: the part of the fixed head that lands in the moving field of view."""

    transform: sitk.Euler3DTransform
    information: float = 0.0
    overlap: float = 0.0

    @property
    def fits(self) -> bool:
        """Whether the figure rests on enough of the head."""
        return self.overlap >= _LEAST_OVERLAP and self.information > 0


def starts(fixed: HeadImage, moving: HeadImage) -> list[Candidate]:
    """Return where to begin: centroid on centroid and as the headers say, each as it is and turned both ways
    about each axis."""
    turns = [np.zeros(3), *(sign * axis for axis in np.eye(3) for sign in (1, -1))]
    return [
        Candidate(_euler(fixed.centre, np.deg2rad(_START_TURN_DEGREES) * turn, shift))
        for shift in (moving.centre - fixed.centre, np.zeros(3))
        for turn in turns
    ]


def optimise(fixed: HeadImage, moving: HeadImage, start: Candidate, spacing: float) -> Candidate:
    """Climb to the maximum of mutual information nearest to the start, on the level of that spacing."""
    image, region = fixed.levels[spacing], fixed.region_at(spacing)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricFixedMask(region)
    share = _SAMPLES / max(1, int(np.count_nonzero(sitk.GetArrayViewFromImage(region))))
    if share < 1:
        method.SetMetricSamplingStrategy(method.REGULAR)
        method.SetMetricSamplingPercentage(share, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        _FIRST_STEP_MM[spacing], _LAST_STEP_MM[spacing], _ITERATIONS, _RELAXATION, 1e-8
    )
    method.SetOptimizerScalesFromPhysicalShift()  # a step of 1 moves the head by 1 mm
    transform = sitk.Euler3DTransform(start.transform)
    method.SetInitialTransform(transform, True)
    try:
        method.Execute(image, moving.levels[spacing])
    except RuntimeError:  # the heads do not overlap
        return start
    return Candidate(transform, -method.GetMetricValue(), _overlap(transform, fixed, moving))


def distance_mm(a: Candidate, b: Candidate, head: HeadImage) -> float:
    """Return how far apart two candidates put the fixed head, root mean square over its points."""
    apart = _moved(a.transform, head.points) - _moved(b.transform, head.points)
    return float(np.sqrt((apart**2).sum(axis=1).mean()))


def moved_mm(candidate: Candidate, head: HeadImage) -> float:
    """Return by how much a candidate moves the fixed head, mean over its points."""
    return float(np.linalg.norm(_moved(candidate.transform, head.points) - head.points, axis=1).mean())


def _overlap(transform: sitk.Transform, fixed: HeadImage, moving: HeadImage) -> float:
    image = next(iter(moving.levels.values()))
    size = np.array(image.GetSize())
    indices = np.array(
        [image.TransformPhysicalPointToContinuousIndex(point) for point in _moved(transform, fixed.points)]
    )
    return float(((indices >= -0.5) & (indices <= size - 0.5)).all(axis=1).mean())


def _moved(transform: sitk.Transform, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([transform.TransformPoint(point) for point in points.tolist()])


def _euler(
    centre: NDArray[np.float64], angles: NDArray[np.float64], shift: NDArray[np.float64]
) -> sitk.Euler3DTransform:
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre.tolist())
    transform.SetRotation(*angles.tolist())
    transform.SetTranslation(shift.tolist())
    return transform
