"""A real head, scanned again by resampling: how far off the registration is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.registration.rigid import register_rigid
from SegMambaCore.volume.read import read_volume

from .moved_heads import centre_of, grid_around, motion, registration_errors, scan_again

_DATA = Path(os.environ.get("SEGMAMBA_DATA", Path(__file__).parents[4] / "shared" / "data"))
_CASE = _DATA / "brats" / "BraTS-GLI-00000-000"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _CASE.is_dir(), reason=f"no real data: {_CASE} is absent; set SEGMAMBA_DATA"),
]


@pytest.mark.parametrize(
    ("shape", "spacing", "most"), [((36, 220, 200), (1, 1, 5), 0.3), ((150, 230, 190), (1.1, 1, 1.2), 0.1)]
)
def test_the_same_contrast_again(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], most: float
) -> None:
    fixed = read_volume(_CASE / f"{_CASE.name}-t1c.nii.gz")
    moved = motion(centre_of(fixed), 20, 20, seed=3)
    grid = grid_around((moved @ [*centre_of(fixed), 1])[:3] + np.array([4, -5, 3]), shape, spacing)
    found = register_rigid(fixed, scan_again(fixed, moved, grid))
    assert np.mean(registration_errors(fixed, moved, found.matrix)) < most
