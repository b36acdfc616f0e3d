"""Known motions are found again: other contrast, thick slices, cut field of view, a lesion that grew."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.registration.rigid import register_rigid
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.volume.volume import Volume

from .moved_heads import centre_of, grid_around, motion, registration_errors, scan_again

AFFINE = np.diag([-2.0, -2.0, 2.0, 1.0])


@pytest.fixture(scope="module")
def heads() -> dict[str, Volume]:
    """Four contrasts of a synthetic head at 2 mm."""
    case, _ = make_phantom(0, (75, 96, 80), AFFINE)
    return case.volumes


def test_another_contrast_in_thick_slices_moved_by_20_mm_and_20_degrees(heads: dict[str, Volume]) -> None:
    fixed = heads["t1c"]
    moved = motion(centre_of(fixed), 20, 20, seed=1)
    grid = grid_around((moved @ [*centre_of(fixed), 1])[:3], (33, 110, 100), (2.0, 2.0, 5.0))
    steps: list[tuple[int, int]] = []
    found = register_rigid(fixed, scan_again(heads["t1n"], moved, grid), lambda *step: steps.append(step))
    assert registration_errors(fixed, moved, found.matrix).max() < 1.0
    assert not found.is_doubtful
    assert found.overlap > 0.97
    rotation = found.matrix[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) > 0
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_slab_of_the_head_with_a_lesion_that_grew_and_no_shared_world(heads: dict[str, Volume]) -> None:
    fixed = heads["t1c"]
    moved = motion(centre_of(fixed), 20, 12, seed=2)
    moved[:3, 3] += [0, 0, 400]  # another table position: the headers do not overlap
    grown = fixed.array.astype(np.float32).copy()
    k, j, i = np.indices(grown.shape)
    ball = ((k - 45) ** 2 + (j - 40) ** 2 + (i - 25) ** 2) < 9**2
    grown[ball & (grown > 0)] = grown.max()
    top = (moved @ [*(centre_of(fixed) + np.array([0, 0, 30])), 1])[:3]
    slab = grid_around(top, (50, 100, 90), (2.0, 2.0, 2.0))
    second = scan_again(Volume(grown, fixed.affine), moved, slab)
    first = register_rigid(fixed, second)
    assert registration_errors(fixed, moved, first.matrix).max() < 1.0
    assert 0.5 < first.overlap < 0.9
    again = register_rigid(fixed, second)
    assert again.matrix.tobytes() == first.matrix.tobytes()


def test_what_is_no_head_is_refused(heads: dict[str, Volume]) -> None:
    speck = np.zeros((20, 20, 20), np.float32)
    speck[10, 10, 10:12] = 100
    with pytest.raises(SegMambaError, match="speck: no head was found"):
        register_rigid(heads["t1c"], Volume(speck, AFFINE, "speck"))


def test_cancel(heads: dict[str, Volume]) -> None:
    answers = iter([False, False, True])
    with pytest.raises(CancelledError):
        register_rigid(heads["t1c"], heads["t2w"], is_cancelled=lambda: next(answers))
