"""A synthetic head in four scans, coarse enough for quick tests; where each lies is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import Case
from SegMambaCore.sample.head import Head, put_into_head
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.sample.scanner import Acquisition, scan
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume

AFFINE = np.diag([-2.0, -2.0, 2.0, 1.0])
SHAPE = (75, 96, 80)


@cache
def head() -> Head:
    """Four contrasts of a head at 2 mm."""
    return put_into_head(make_phantom(0, SHAPE, AFFINE)[0].volumes, np.random.default_rng(0))


@cache
def scanned_at_rest() -> Case:
    """The head in four scans of 2 mm, on one grid, with noise in the air."""
    return Case(
        {
            role: scan(volume, np.eye(4), Acquisition((2.0, 2.0, 2.0), noise=0.02), np.random.default_rng(1))
            for role, volume in head().volumes.items()
        }
    )


def with_one(case: Case, role: str, volume: Volume) -> Case:
    """The case with another volume in one role."""
    return replace(case, volumes={**case.volumes, role: volume})


def true_brain_on(volume: Volume, motion: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
    """The brain's true mask on a volume's grid; motion: where the head was."""
    brain = head().brain
    affine = brain.affine if motion is None else motion @ brain.affine
    return resample(Volume(brain.array.astype(np.float32), affine), volume.grid).array >= 0.5


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice what two masks share, of both."""
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))
