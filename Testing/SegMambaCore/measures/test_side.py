"""Where the middle of a head is, and which side of it lesions are on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.measures.lesions import find_lesions
from SegMambaCore.measures.midsagittal import MidsagittalPlane, find_midsagittal_plane
from SegMambaCore.measures.side import side_of
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Grid, Volume
from Testing.SegMambaCore.volume.geometries import LAS, LPS, RAS, SAGITTAL, grid_around, positions, rotation

DATA = Path(os.environ.get("SEGMAMBA_DATA", Path(__file__).parents[4] / "shared" / "data")) / "brats"

GRIDS = {
    "axial": grid_around((4, 0, 0), (70, 100, 90), (2, 2, 2), LPS),
    "left-handed": grid_around((4, 0, 0), (70, 100, 90), (2, 2, 2), LAS),
    "mirrored": grid_around((4, 0, 0), (70, 100, 90), (2, 2, 2), RAS),
    "thick": grid_around((4, 0, 0), (26, 200, 180), (1, 1, 6), LPS, (12, 0, 0)),
    "sagittal": grid_around((4, 0, 0), (60, 90, 100), (2, 2, 3), SAGITTAL, (5, -8, 12)),
}


def head(grid: Grid, turn: tuple[float, float, float] = (0, 0, 0), middle: float = 4.0) -> Volume:
    """An ellipsoid of 140 x 180 x 125 mm, turned, with noise around it."""
    own = (positions(grid) - [middle, 0, 0]) @ rotation(turn)
    inside = ((own / [70, 90, 62]) ** 2).sum(axis=-1) <= 1
    noise = np.random.default_rng(1).integers(0, 8, grid.shape)
    return Volume((inside * 300 + noise).astype(np.int16), grid.affine)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("turn", [(0, 0, 0), (0, 6, -9), (10, -4, 7)])
def test_the_plane_follows_a_turned_head_on_any_grid(name: str, turn: tuple[float, float, float]) -> None:
    plane = find_midsagittal_plane(head(GRIDS[name], turn))
    # Middles of lines along the patient's left-right axis, not the head's: for an ellipsoid they lie on the
    # plane conjugate to that axis.
    shape = rotation(turn) @ np.diag([70.0**-2, 90.0**-2, 62.0**-2]) @ rotation(turn).T
    normal = shape[0] / shape[0, 0]
    assert plane.anterior_slope == pytest.approx(-normal[1], abs=0.02)
    assert plane.superior_slope == pytest.approx(-normal[2], abs=0.03)
    assert plane.offset == pytest.approx(4, abs=1)


def test_a_bump_on_one_side_does_not_pull_the_plane() -> None:
    grid = GRIDS["axial"]
    volume = head(grid)
    volume.array[(np.abs(positions(grid) - [70, -10, -15]) < [15, 12, 20]).all(axis=-1)] = 300
    assert find_midsagittal_plane(volume).distance_to_right(np.array([[4.0, 20.0, 10.0]]))[
        0
    ] == pytest.approx(0, abs=1)


def test_a_head_cut_off_by_the_field_of_view_has_no_known_middle() -> None:
    grid = grid_around((34, 0, 0), (70, 100, 45), (2, 2, 2), LPS)  # its right half only
    assert find_midsagittal_plane(head(grid)) is None


def test_a_grid_that_nobody_placed_has_no_known_sides() -> None:
    volume = head(GRIDS["axial"])
    assert find_midsagittal_plane(Volume(volume.array, np.diag([-2.0, -2.0, 2.0, 1.0]))) is None
    assert find_midsagittal_plane(Volume(volume.array, np.diag([2.0, 2.0, 2.0, 1.0]))) is None
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[1, 3] = 239.0  # as BraTS has it
    assert find_midsagittal_plane(Volume(volume.array, affine)) is not None


def test_noise_has_no_middle() -> None:
    grid = GRIDS["axial"]
    noise = np.random.default_rng(0).integers(0, 300, grid.shape)
    assert find_midsagittal_plane(Volume(noise, grid.affine)) is None


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(
    ("centres", "side"),
    [
        ([(34, 10, 0)], "right"),
        ([(-26, 10, 0)], "left"),
        ([(4, 10, 0)], "crosses the midline"),
        ([(-26, 10, 0), (34, 10, 0)], "both sides"),
        ([(4, 40, 0), (34, -30, 0)], "crosses the midline"),
        ([(-26, 40, 0), (-30, -30, 0)], "left"),
    ],
)
def test_sides(name: str, centres: list[tuple[float, float, float]], side: str) -> None:
    grid = GRIDS[name]
    mask = np.any([np.linalg.norm(positions(grid) - c, axis=-1) < 18 for c in centres], axis=0)
    lesions = find_lesions(mask, grid)
    assert len(lesions) == len(centres)
    assert side_of(lesions, find_midsagittal_plane(head(grid))) == side
    assert side_of(lesions, None) == "unknown"


def test_what_hardly_reaches_over_the_middle_does_not_cross_it() -> None:
    grid = grid_around((0, 0, 0), (60, 60, 60), (1, 1, 1), LPS)
    plane = MidsagittalPlane(0.0, 0.0, 0.0)
    for centre, side in (((13, 0, 0), "right"), ((5, 0, 0), "crosses the midline"), ((-13, 0, 0), "left")):
        mask = np.linalg.norm(positions(grid) - centre, axis=-1) < 18
        assert side_of(find_lesions(mask, grid), plane) == side
    thin = np.linalg.norm(positions(grid), axis=-1) < 4.5
    assert side_of(find_lesions(thin, grid), plane) == "midline"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data: {DATA} is absent; set SEGMAMBA_DATA")
def test_the_middle_of_real_heads() -> None:
    """In the atlas that BraTS is registered to, the brain's middle is within a voxel of the array's."""
    for folder in sorted(DATA.iterdir())[:6]:
        (path,) = [*folder.glob("*_t1ce.nii.gz"), *folder.glob("*-t1c.nii.gz")]
        plane = find_midsagittal_plane(read_volume(path))
        centre = np.array([[-119.5, 120.0, 77.0]])
        assert abs(plane.distance_to_right(centre)[0]) < 4
        assert max(abs(plane.anterior_slope), abs(plane.superior_slope)) < 0.1
