"""Whether what a network calls 70 % is right in 70 of 100 voxels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 20


def _zeros() -> NDArray[np.float64]:
    return np.zeros(BINS)


@dataclass
class Reliability:
    """Voxels in `BINS` bins of equal width by their probability, summed over cases.

    count: voxels. probability: sum of their probabilities. right: how many of them belong to the region.
    squares: sum over all voxels of (probability - truth) squared.
    """

    count: NDArray[np.float64] = field(default_factory=_zeros)
    probability: NDArray[np.float64] = field(default_factory=_zeros)
    right: NDArray[np.float64] = field(default_factory=_zeros)
    squares: float = 0.0

    def add(self, probabilities: NDArray[np.float32], truth: NDArray[np.bool_]) -> None:
        """Count voxels, arrays of one shape."""
        flat = probabilities.ravel()
        place = np.minimum((flat * BINS).astype(np.int64), BINS - 1)
        self.count += np.bincount(place, minlength=BINS)
        self.probability += np.bincount(place, weights=flat, minlength=BINS)
        self.right += np.bincount(place, weights=truth.ravel(), minlength=BINS)
        self.squares += float(np.square(flat - truth.ravel(), dtype=np.float64).sum())

    @property
    def expected_calibration_error(self) -> float:
        """Mean over voxels of |mean probability - share that is right| of their bin (Guo et al., ICML 2017)."""
        return float(np.abs(self.probability - self.right).sum() / self.count.sum())

    @property
    def brier(self) -> float:
        """Mean square of the difference between probability and truth."""
        return float(self.squares / self.count.sum())

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean probability and share that is right of each bin; nan where a bin is empty."""
        with np.errstate(invalid="ignore"):
            return self.probability / self.count, self.right / self.count
