"""Volumes that can be read and yet are unfit."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.volume_checks import same_voxels, skull_warnings, thick_slices_mm, thickness_warnings
from SegMambaCore.volume.overlap import grids_overlap
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom
from Testing.SegMambaCore.volume.geometries import LPS, SAGITTAL, grid_around


@pytest.mark.parametrize(
    ("spacing", "thick"), [((1, 1, 4.001), None), ((5, 1, 1), 5.0), ((0.5, 0.5, 6.5), 6.5)]
)
def test_thick_slices(spacing: tuple[float, float, float], thick: float | None) -> None:
    found = thick_slices_mm(grid_around((0, 0, 0), (9, 9, 9), spacing, SAGITTAL, (9, -20, 4)))
    assert found is None if thick is None else found == pytest.approx(thick)


def test_same_voxels() -> None:
    random = np.random.default_rng(0)
    one = random.integers(0, 5, (4, 5, 6))
    assert same_voxels(one, one.astype(np.float32))
    other = one.copy()
    other[3, 4, 5] += 1
    assert not same_voxels(one, other) and not same_voxels(one, one[:3])


def test_overlap() -> None:
    grid = grid_around((0, 0, 0), (10, 10, 10), (2, 2, 2), LPS, (0, 0, 45))
    inside = grid_around((1, 1, 1), (2, 2, 2), (0.5, 0.5, 0.5), LPS)
    # The boxes along the axes of these two overlap, the turned ones do not.
    beside = grid_around((13, 13, 0), (5, 5, 5), (1, 1, 1), LPS)
    assert grids_overlap(grid, inside) and grids_overlap(inside, grid)
    assert not grids_overlap(grid, beside) and not grids_overlap(beside, grid)


def test_warnings_name_the_contrasts() -> None:
    case, _ = coarse_phantom()
    assert skull_warnings(case) == thickness_warnings(case) == ()
    stretched = {
        role: Volume(v.array, v.affine @ np.diag([0.8, 0.8, 5 / 3, 1])) for role, v in case.volumes.items()
    }
    mixed = Case({**case.volumes, "t2w": stretched["t2w"], "t2f": stretched["t2f"]})
    (warning,) = thickness_warnings(mixed)
    assert warning.startswith("T2, T2-FLAIR: thick slices, up to 5.0 mm.")
    noisy = {role: Volume(v.array + np.random.default_rng(3).integers(1, 9, v.array.shape), v.affine)
             for role, v in case.volumes.items()}  # fmt: skip
    (warning,) = skull_warnings(Case(noisy))
    assert warning.startswith("T1, T1Gd, T2, T2-FLAIR: the skull seems not to have been removed.")
    assert list(noisy) == list(ROLES)
