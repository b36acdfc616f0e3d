"""Whether images lie one behind the other as the slices of a volume, and where that volume lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.dicom.frame import Frame

_PARALLEL = 1e-3
_UNEVEN = 1 / 3  # of a slice


@dataclass(frozen=True)
class Stack:
    """Parallel images of one size, in order along the normal, which is row direction × column direction.

    problem: why they are not the slices of a volume, "" where they are.
    affine: voxel indices (i, j, k, 1) -> LPS mm; None where there is a problem. Its third column is the step from
        slice to slice, and is not along the normal where the stack is sheared.
    """

    frames: tuple[Frame, ...]
    problem: str
    affine: NDArray[np.float64] | None

    @property
    def drift_mm(self) -> float:
        """How far the last slice lies aside of where a straight stack has it."""
        if self.affine is None:
            return 0.0
        step, normal = self.affine[:3, 2], _normal(self.frames[0])
        return float(np.linalg.norm(step - (step @ normal) * normal)) * (len(self.frames) - 1)


def stack(frames: Sequence[Frame]) -> Stack:
    """Put images that are `alike` into order, and look whether they are evenly spaced."""
    first = frames[0]
    if first.position is None or first.orientation is None or first.spacing is None:
        return Stack(tuple(frames), "its images have no position in the patient", None)
    normal = _normal(first)
    positions = np.array([frame.position for frame in frames], dtype=np.float64)
    order = np.argsort(positions @ normal, kind="stable")
    ordered = tuple(frames[index] for index in order)
    if len(frames) == 1:
        return Stack(ordered, "", _affine(first, normal))
    problem = _unevenness(positions[order] @ normal)
    positions = positions[order]
    step = (positions[-1] - positions[0]) / (len(frames) - 1)
    if not problem:
        placed = positions[0] + np.arange(len(frames))[:, None] * step
        if np.linalg.norm(positions - placed, axis=1).max() > _UNEVEN * np.linalg.norm(step):
            problem = "its slices are shifted against each other"
    return Stack(ordered, problem, None if problem else _affine(ordered[0], step))


def alike(one: Frame, other: Frame) -> bool:
    """Whether two images can be slices of one volume: parallel, with the same voxels."""
    if one.size != other.size or (one.orientation is None) != (other.orientation is None):
        return False
    if one.orientation is None or other.orientation is None:
        return True
    return np.allclose(one.orientation, other.orientation, atol=_PARALLEL) and np.allclose(
        one.spacing or (), other.spacing or (), atol=_PARALLEL
    )


def _unevenness(places: NDArray[np.float64]) -> str:
    """Say what is wrong with the places of slices along their normal (mm, ascending), or ""."""
    gaps = np.diff(places)
    typical = float(np.median(gaps))
    if typical <= 0 or gaps.min() < _UNEVEN * typical:
        return "its slices are doubled"
    expected = places[0] + np.arange(len(places)) * (places[-1] - places[0]) / (len(places) - 1)
    if np.abs(places - expected).max() <= _UNEVEN * typical:
        return ""
    missing = np.rint(gaps / typical).astype(int) - 1
    if missing.max() > 0 and np.abs(gaps - (missing + 1) * typical).max() <= _UNEVEN * typical:
        first = int(np.argmax(missing > 0)) + 1
        count = int(missing.sum())
        slices = f"{count} slices are" if count > 1 else "a slice is"
        return f"{slices} missing, the first behind the {first}. of {len(places)}"
    return "its slices are not evenly spaced"


def _affine(first: Frame, step: NDArray[np.float64]) -> NDArray[np.float64]:
    assert first.orientation and first.spacing and first.position
    affine = np.eye(4)
    affine[:3, 0] = np.array(first.orientation[:3]) * first.spacing[1]
    affine[:3, 1] = np.array(first.orientation[3:]) * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = first.position
    return affine


def _normal(frame: Frame) -> NDArray[np.float64]:
    assert frame.orientation
    normal = np.cross(frame.orientation[:3], frame.orientation[3:])
    return normal / (np.linalg.norm(normal) or 1.0)
