"""A head that is scanned lies where the motion put it, in slices that are means over their thickness."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.sample.raw import random_motion
from SegMambaCore.sample.scanner import Acquisition, field_of_view, scan
from SegMambaCore.volume.volume import Grid, Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom
from Testing.SegMambaCore.preparation.raw_heads import head

GRID = Grid((40, 44, 48), np.array([[-2.0, 0, 0, 45], [0, -2, 0, 40], [0, 0, 2, -38], [0, 0, 0, 1]]))


def _centroid(volume: Volume) -> np.ndarray:
    weights = volume.array.astype(np.float64) * (volume.array > 0.3 * volume.array.max())
    indices = np.indices(weights.shape).reshape(3, -1)[::-1]
    mean = (indices * weights.ravel()).sum(axis=1) / weights.sum()
    return (volume.affine @ [*mean, 1.0])[:3]


@pytest.mark.parametrize("orientation", ["LPS", "PSR", "RAS"])
def test_a_ball_lies_where_the_motion_put_it(orientation: str) -> None:
    k, j, i = np.indices(GRID.shape)
    ball = ((k - 22) ** 2 + (j - 20) ** 2 + (i - 27) ** 2 < 36).astype(np.float32)
    motion = random_motion(np.random.default_rng(3), GRID, 12, 15)
    seen = scan(
        Volume(ball, GRID.affine), motion, Acquisition((1.5, 1.5, 4.0), orientation), np.random.default_rng(0)
    )
    where = motion @ GRID.affine @ (27, 20, 22, 1)
    np.testing.assert_allclose(_centroid(seen), where[:3], atol=0.5)
    np.testing.assert_allclose(motion[:3, :3] @ motion[:3, :3].T, np.eye(3), atol=1e-12)


def test_a_slice_is_the_mean_over_its_thickness() -> None:
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[:, None, None], GRID.shape).copy()
    thick = scan(Volume(ramp, GRID.affine), np.eye(4), Acquisition((2.0, 2.0, 8.0)), np.random.default_rng(0))
    middle = thick.array[1:-1, 20, 20].astype(float)
    assert np.ptp(np.diff(middle)) <= 2.0  # a ramp stays one
    assert thick.grid.spacing == pytest.approx((2.0, 2.0, 8.0))


def test_the_field_of_view_covers_the_head() -> None:
    grid = field_of_view(GRID, Acquisition((1.0, 2.0, 5.0), "PSR"))
    np.testing.assert_allclose(grid.affine[:3, :3], [[0, 0, 5.0], [-1, 0, 0], [0, 2, 0]])
    assert grid.shape == (19, 39, 86)


def test_the_brain_in_the_head_is_untouched() -> None:
    case, _ = coarse_phantom()
    assert set(head().volumes) == set(case.volumes)
    t1 = head().volumes["t1n"]
    brain = head().brain.array > 0
    assert 1.1 < np.count_nonzero(t1.array > 0.2 * np.median(t1.array[brain])) / np.count_nonzero(brain) < 5
    assert head().volumes["t2w"].grid.matches(t1.grid)
