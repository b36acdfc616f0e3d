"""The synthetic patient as scanners would deliver it: with a head, moved between the sequences, in thick slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.case import Case
from SegMambaCore.sample.head import put_into_head
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.sample.scanner import Acquisition, scan
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Grid, Volume

_ACQUISITIONS = {
    "t1n": Acquisition((0.9, 0.9, 5.0), bias=0.12, noise=0.02),
    "t1c": Acquisition((1.0, 1.0, 1.2), "PSR", bias=0.12, noise=0.02),
    "t2w": Acquisition((0.6, 0.6, 5.0), bias=0.12, noise=0.02),
    "t2f": Acquisition((0.9, 0.9, 3.0), bias=0.12, noise=0.02),
}
_MOST_MM, _MOST_DEGREES = 8.0, 6.0


@dataclass(frozen=True)
class RawSample:
    """case: four scans on grids of their own. labels: of the tumor, on the voxels of T1Gd.

    brain: mask in the world of the head at rest. motions: where each scan found the head, 4 x 4 RAS mm from the head
    at rest.
    """

    case: Case
    labels: Volume
    brain: Volume
    motions: dict[str, NDArray[np.float64]]

    def true_motion(self, role: str) -> NDArray[np.float64]:
        """The 4 x 4 matrix (RAS mm) that lays a scan onto T1Gd."""
        return self.motions["t1c"] @ np.linalg.inv(self.motions[role])


def make_raw_sample(
    seed: int = 0, shape: tuple[int, int, int] | None = None, affine: NDArray[np.float64] | None = None
) -> RawSample:
    """Scan a phantom's head four times. seed, shape and affine: of the phantom, see `make_phantom`."""
    phantom, labels = make_phantom(seed) if shape is None else make_phantom(seed, shape, affine)
    rng = np.random.default_rng(seed + 1)
    head = put_into_head(phantom.volumes, rng)
    motions = {role: random_motion(rng, head.brain.grid, _MOST_MM, _MOST_DEGREES) for role in phantom.volumes}
    scans = {
        role: scan(volume, motions[role], _ACQUISITIONS[role], rng) for role, volume in head.volumes.items()
    }
    moved = Volume(labels.array, motions["t1c"] @ labels.affine)
    seen = resample(moved, scans["t1c"].grid, interpolation="nearest")
    return RawSample(Case(scans), Volume(seen.array, seen.affine, "phantom labels"), head.brain, motions)


def random_motion(
    rng: np.random.Generator, grid: Grid, most_mm: float, most_degrees: float
) -> NDArray[np.float64]:
    """Return a rigid motion (4 x 4, RAS mm) about the grid's middle: random axis and direction, random amounts."""
    axis, direction = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 3)))
    turn = sitk.VersorTransform(axis.tolist(), float(np.deg2rad(rng.uniform(0, most_degrees))))
    k, j, i = grid.shape
    middle = (grid.affine @ ((i - 1) / 2, (j - 1) / 2, (k - 1) / 2, 1.0))[:3]
    motion = np.eye(4)
    motion[:3, :3] = np.reshape(turn.GetMatrix(), (3, 3))
    motion[:3, 3] = middle - motion[:3, :3] @ middle + rng.uniform(0, most_mm) * direction
    return motion
