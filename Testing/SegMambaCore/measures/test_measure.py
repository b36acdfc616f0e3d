"""Lesions of known size on grids of every awkward kind."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from SegMambaCore.measures.lesions import find_lesions
from SegMambaCore.measures.measure import LesionMeasures, measure, measure_lesions
from SegMambaCore.measures.midsagittal import MidsagittalPlane
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.volume import Grid, Volume
from Testing.SegMambaCore.volume.geometries import (
    LAS,
    LPS,
    RAS,
    SAGITTAL,
    grid_around,
    linear_function,
    positions,
)

MIDDLE = MidsagittalPlane(0.0, 0.0, 0.0)
CENTRE = np.array([30.0, 5.0, 10.0])

GRIDS = {
    "axial": grid_around((30, 5, 10), (70, 70, 70), (1, 1, 1), LPS),
    "left-handed": grid_around((30, 5, 10), (70, 70, 70), (1, 1, 1), LAS),
    "thick axial, tilted": grid_around((30, 5, 10), (20, 120, 120), (0.5, 0.5, 3), LPS, (15, 0, 0)),
    "anisotropic": grid_around((30, 5, 10), (40, 80, 100), (0.6, 0.9, 1.5), RAS),
    "sagittal": grid_around((30, 5, 10), (60, 70, 70), (1, 0.9, 1), SAGITTAL),
    "oblique": grid_around((30, 5, 10), (90, 90, 90), (0.8, 0.8, 0.8), LPS, (20, -17, 31)),
    "oblique anisotropic": grid_around((30, 5, 10), (50, 80, 80), (0.9, 1.0, 1.8), SAGITTAL, (13, 25, -8)),
}


def ellipsoid(grid: Grid, radii: tuple[float, float, float], at: NDArray = CENTRE) -> NDArray[np.bool_]:
    return (((positions(grid) - at) / radii) ** 2).sum(axis=-1) <= 1


def only_lesion(mask: NDArray[np.bool_], grid: Grid) -> LesionMeasures:
    (lesion,) = measure_lesions(mask, grid, MIDDLE)
    return lesion


@pytest.mark.parametrize("name", GRIDS)
def test_an_ellipsoid_on_any_grid_has_its_axes(name: str) -> None:
    grid = GRIDS[name]
    lesion = only_lesion(ellipsoid(grid, (12, 20, 15)), grid)
    # Cut by planes tilted about the axis of 12 mm, the radius of 20 mm shows as this.
    tilt = np.deg2rad(15 if "tilted" in name else 0)
    longest = 40 / np.hypot(np.cos(tilt), np.sin(tilt) * 20 / 15)
    pixel = sorted(grid.spacing)[1]
    assert lesion.longest.length_mm == pytest.approx(longest, abs=1.3 * pixel)
    assert lesion.perpendicular.length_mm == pytest.approx(24, abs=1.3 * pixel)
    assert lesion.product_mm2 == pytest.approx(lesion.longest.length_mm * lesion.perpendicular.length_mm)
    assert lesion.volume_ml == pytest.approx(4 / 3 * np.pi * 12 * 20 * 15 / 1000, rel=0.01)
    assert lesion.measurable and lesion.side == "right"
    lines = np.array(
        [lesion.longest.end - lesion.longest.start, lesion.perpendicular.end - lesion.perpendicular.start]
    )
    assert abs(lines[0] @ lines[1]) < 1e-6
    assert np.linalg.norm((lesion.centre - CENTRE)[:2]) < 3
    # Along anterior and right, in one axial plane.
    np.testing.assert_allclose(np.abs(lines[0]) / longest, [0, np.cos(tilt), np.sin(tilt)], atol=0.16)
    if not tilt:
        np.testing.assert_allclose(lines[:, 2], 0, atol=0.1)


@pytest.mark.parametrize("name", GRIDS)
def test_the_lines_across_a_shell_keep_out_of_its_cavity(name: str) -> None:
    grid = GRIDS[name]
    radius = np.linalg.norm(positions(grid) - CENTRE, axis=-1)
    shell = (radius <= 24) & (radius >= 16)
    lesion = only_lesion(shell, grid)
    # The longest line of all slices: just above the cavity it may cross the whole slice of that height, while
    # in the middle it touches the cavity. Both have this length.
    assert lesion.longest.length_mm == pytest.approx(2 * np.sqrt(24**2 - 16**2), abs=3.2 * max(grid.spacing))
    for line in (lesion.longest, lesion.perpendicular):
        points = line.start + np.linspace(0, 1, 300)[:, None] * (line.end - line.start)
        distance = np.linalg.norm(points - CENTRE, axis=1)
        assert distance.min() > 16 - max(grid.spacing)
        assert distance.max() < 24 + max(grid.spacing)


def test_the_longest_diameter_may_lie_far_from_the_largest_slice() -> None:
    grid = GRIDS["axial"]
    at = positions(grid) - CENTRE
    lesion = (np.linalg.norm(at - [0, 0, -12], axis=-1) <= 12) | (
        (np.abs(at[..., 2] - 8.5) <= 1) & (np.abs(at[..., 1]) <= 1) & (np.abs(at[..., 0]) <= 20)
    )
    lesion |= (np.abs(at) <= [1, 1, 9]).all(axis=-1)
    found = only_lesion(lesion, grid)
    assert found.longest.start[2] - CENTRE[2] == pytest.approx(8, abs=1.1)
    assert found.longest.length_mm == pytest.approx(40, abs=1.5)
    assert found.perpendicular.length_mm < 4 and not found.measurable


@pytest.mark.parametrize(
    ("spacing", "radius", "height", "measurable"),
    [
        (1.0, 5.6, 2, True),
        (1.0, 5.6, 1, False),  # one slice
        (1.0, 4.2, 9, False),  # 8.4 mm
        (5.0, 5.6, 10, True),
        (6.0, 5.6, 12, False),  # thick slices ask for 12 mm
        (6.0, 6.8, 12, True),
        (6.0, 6.8, 6, False),
    ],
)
def test_measurable_lesions(spacing: float, radius: float, height: float, measurable: bool) -> None:
    grid = grid_around((0, 0, 0), (12, 61, 61), (0.5, 0.5, spacing), LPS)
    at = positions(grid)
    cylinder = (np.hypot(at[..., 0], at[..., 1]) <= radius) & (
        np.abs(at[..., 2] - spacing * (0.5 if height / spacing % 2 else 0)) < height / 2
    )
    lesion = only_lesion(cylinder, grid)
    assert lesion.slices == round(height / spacing)
    assert lesion.measurable is measurable


def test_a_long_thin_lesion_is_not_measurable() -> None:
    grid = GRIDS["axial"]
    lesion = only_lesion(ellipsoid(grid, (4, 20, 15)), grid)
    assert lesion.longest.length_mm > 39 and not lesion.measurable


def test_lesions_come_one_by_one_the_largest_first() -> None:
    grid = GRIDS["axial"]
    small, large = CENTRE + np.array([0, 20, 0]), CENTRE - [0, 15, 0]
    mask = ellipsoid(grid, (8, 8, 8), small) | ellipsoid(grid, (12, 12, 12), large)
    mask[0, 0, 0] = mask[1, 1, 1] = True  # joined by a corner
    lesions = measure_lesions(mask, grid, MIDDLE)
    assert [round(lesion.longest.length_mm) for lesion in lesions] == [25, 17, 1]
    np.testing.assert_allclose(lesions[0].centre[:2], large[:2], atol=1)
    masks = {"WT": mask, "TC": mask & (positions(grid)[..., 1] > 5), "ET": np.zeros_like(mask)}
    measures = measure(Segmentation(masks, grid), {}, MIDDLE)
    assert {key: (region.lesions, region.specks) for key, region in measures.regions.items()} == {
        "WT": (3, 1),
        "TC": (2, 1),
        "ET": (0, 0),
    }
    assert measures.regions["ET"].volume_ml == 0 and measures.regions["ET"].side is None
    assert measures.lesions == ()


@pytest.mark.parametrize("name", ["oblique", "oblique anisotropic"])
def test_a_speck_between_the_planes_is_still_a_lesion(name: str) -> None:
    grid = GRIDS[name]
    for place in np.random.default_rng(3).integers(3, 40, (30, 3)):
        mask = np.zeros(grid.shape, bool)
        mask[tuple(place)] = True
        lesion = only_lesion(mask, grid)
        assert lesion.volume_ml == pytest.approx(grid.voxel_volume_ml)
        assert not lesion.measurable
        assert lesion.longest is None or lesion.longest.length_mm < 2 * max(grid.spacing)
        expected = (grid.affine @ [*place[::-1], 1])[:3]
        assert np.linalg.norm(lesion.centre - expected) < 2 * max(grid.spacing)


def test_boxes_of_lesions_put_every_voxel_back_where_it_was() -> None:
    grid = GRIDS["oblique anisotropic"]
    mask = np.random.default_rng(8).random(grid.shape) < 0.01
    lesions = find_lesions(mask, grid)
    found = np.concatenate(
        [positions(lesion.grid)[lesion.mask] for lesion in lesions],
    )
    expected = positions(grid)[mask]
    order = [np.lexsort(np.round(points, 4).T) for points in (found, expected)]
    np.testing.assert_allclose(found[order[0]], expected[order[1]], atol=1e-9)
    assert all(a.volume_ml >= b.volume_ml for a, b in pairwise(lesions))


def test_mean_intensity_of_contrasts_on_other_grids() -> None:
    grid = GRIDS["oblique"]
    masks = dict.fromkeys(("WT", "TC", "ET"), ellipsoid(grid, (12, 20, 15)))
    volumes = {name: Volume(linear_function(positions(other)), other.affine) for name, other in GRIDS.items()}
    far = grid_around((300, 0, 0), (9, 9, 9), (1, 1, 1), RAS)
    volumes["far"] = Volume(np.ones(far.shape), far.affine)
    means = measure(Segmentation(masks, grid), volumes, MIDDLE).regions["WT"].mean_intensity
    assert means.pop("far") is None
    # The mean of a linear function over a symmetric body is its value at the centre.
    for name, mean in means.items():
        assert mean == pytest.approx(linear_function(CENTRE), abs=1.5), name
    inside = masks["WT"]
    assert means["oblique"] == pytest.approx(volumes["oblique"].array[inside].mean())


def test_only_what_slicer_brings_is_needed() -> None:
    """numpy and SimpleITK: the panel measures within Slicer's own process."""
    code = (
        "import sys, SegMambaCore.measures.measure, SegMambaCore.measures.midsagittal,"
        " SegMambaCore.segmentation.fingerprint, SegMambaCore.report.statement;"
        "names = ('torch', 'monai', 'safetensors', 'numba', 'matplotlib', 'nrrd', 'tqdm', 'psutil', 'scipy');"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
