"""Rigid registration of one scan of a head to another, from many starts, coarse to fine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.registration.candidate import Candidate, distance_mm, moved_mm, optimise, starts
from SegMambaCore.registration.head_image import SPACINGS_MM, HeadImage, prepare_head
from SegMambaCore.volume.convert import ras_matrix
from SegMambaCore.volume.volume import Volume

_KEPT = 3  # of the coarse results; the right one is among them
_APART_MM = 4.0  # closer results are one and the same
_CLEAR_MARGIN = 0.05
_CLEAR_OVERLAP = 0.6


@dataclass(frozen=True)
class RigidRegistration:
    """How the moving volume has to be moved to lie on the fixed one.

    matrix: 4 x 4 float64, a rotation and a translation in RAS millimetres, from moving to fixed: what lies at
        p in the moving volume lies at `matrix @ (p, 1)` in the fixed one, so `matrix @ moving.affine` is the
        affine that puts the moving volume onto the fixed one without touching a voxel.
    mutual_information: in nats (Mattes et al., IEEE TMI 22, 2003), 0 for unrelated volumes. It says more
        about the contrasts than about the fit.
    margin: by what part of it the best other place, 4 mm away or more, is worse. 0 to 1.
    overlap: the part of the fixed head that the moving volume's field of view covers. 0 to 1.
    millimetres: by how much the head had moved, mean over its points.
    """

    matrix: NDArray[np.float64]
    mutual_information: float
    margin: float
    overlap: float
    millimetres: float

    @property
    def is_doubtful(self) -> bool:
        """Whether a person should look closely: another place fits nearly as well, or little is shared."""
        return self.margin < _CLEAR_MARGIN or self.overlap < _CLEAR_OVERLAP


def register_rigid(
    fixed: Volume,
    moving: Volume,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RigidRegistration:
    """Find the rotation and translation that put the moving volume onto the fixed one.

    The volumes may differ in grid, orientation, spacing, field of view and contrast, and need not overlap in
    the world. The same input gives the same result, to the last bit: the work is done in one thread, because
    ITK adds up the metric in the order in which its threads end. Several pairs may be registered at once, each
    in a Python thread of its own; other SimpleITK calls are slowed down meanwhile.

    on_progress: gets the steps done and all steps; is_cancelled: asked between the steps.
    Raises SegMambaError when a volume holds no head or the two fit nowhere, CancelledError when asked to
    stop.
    """
    with _one_thread():
        return _register(fixed, moving, on_progress, is_cancelled)


def _register(
    fixed: Volume,
    moving: Volume,
    on_progress: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> RigidRegistration:
    target, source = prepare_head(fixed), prepare_head(moving)
    coarse, middle, fine = SPACINGS_MM
    poses = starts(target, source)
    total = len(poses) + _KEPT + 1
    done = 0

    def optimised(pose: Candidate, spacing: float) -> Candidate:
        nonlocal done
        if is_cancelled():
            raise CancelledError
        result = optimise(target, source, pose, spacing)
        done += 1
        on_progress(done, total)
        return result

    found = _best_apart([optimised(pose, coarse) for pose in poses], target)[:_KEPT]
    if not found:
        raise SegMambaError(
            f"{moving.name}: it fits nowhere onto {fixed.name}. Are both scans of the same head?"
        )
    best, *others = _best_apart([optimised(candidate, middle) for candidate in found], target)
    margin = 1.0 - others[0].information / best.information if others else 1.0
    final = optimised(best, fine)
    on_progress(total, total)
    return RigidRegistration(
        np.linalg.inv(ras_matrix(final.transform)).astype(np.float64),
        final.information,
        margin,
        final.overlap,
        moved_mm(final, target),
    )


def _best_apart(candidates: list[Candidate], head: HeadImage) -> list[Candidate]:
    """Return those that fit anywhere, best first, without those close to a better one."""
    apart: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda candidate: -candidate.information):
        if candidate.fits and all(distance_mm(candidate, better, head) > _APART_MM for better in apart):
            apart.append(candidate)
    return apart


class _OneThread:
    """ITK's filters work in one thread while anybody is inside; several threads of Python may be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
                sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(self._before)


_one_thread = _OneThread()
