"""Volumes that hold a known function of RAS position must hold it after any change of grid."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.volume.resample import grid_at_spacing, resample, to_orientation
from SegMambaCore.volume.volume import Grid, Volume
from Testing.SegMambaCore.volume.geometries import (
    GRIDS,
    LPS,
    RAS,
    filled,
    grid_around,
    linear_function,
    positions,
    rotation,
)

_TOWARDS = {"R": [1, 0, 0], "L": [-1, 0, 0], "A": [0, 1, 0], "P": [0, -1, 0], "S": [0, 0, 1], "I": [0, 0, -1]}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("orientation", ["LPS", "RAS", "PIR", "SLA"])
def test_to_orientation_moves_no_voxel(name: str, orientation: str) -> None:
    volume = filled(GRIDS[name])
    turned = to_orientation(volume, orientation)
    np.testing.assert_allclose(turned.array, linear_function(positions(turned.grid)), rtol=1e-5)
    np.testing.assert_array_equal(np.sort(turned.array, axis=None), np.sort(volume.array, axis=None))
    for column, letter in zip(turned.affine[:3, :3].T, orientation, strict=True):
        assert column @ _TOWARDS[letter] / np.linalg.norm(column) > np.cos(np.deg2rad(45))


def test_to_orientation_of_lps_changes_nothing() -> None:
    volume = filled(GRIDS["oblique"])
    turned = to_orientation(volume, "LPS")
    assert turned.grid.matches(volume.grid, 0.0)
    assert np.shares_memory(turned.array, volume.array)


def test_to_orientation_at_45_degrees_still_uses_each_axis_once() -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation((45, 45, 45))
    volume = Volume(np.arange(24).reshape(2, 3, 4), affine)
    turned = to_orientation(volume, "LPS")
    assert sorted(turned.array.shape) == [2, 3, 4]
    assert np.linalg.matrix_rank(turned.affine) == 4


@pytest.mark.parametrize("source", GRIDS)
@pytest.mark.parametrize("target", GRIDS)
def test_linear_resampling_is_exact_for_a_linear_function(source: str, target: str) -> None:
    grid = GRIDS[target]
    result = resample(filled(GRIDS[source]), grid, outside=-999.0)
    assert result.array.dtype == np.float32
    assert result.grid.matches(grid, 0.0)
    expected = linear_function(positions(grid))
    to_source = np.linalg.inv(GRIDS[source].affine)
    indices = positions(grid) @ to_source[:3, :3].T + to_source[:3, 3]
    last = np.array(GRIDS[source].shape[::-1]) - 1
    inside = ((indices >= 0.01) & (indices <= last - 0.01)).all(axis=-1)
    outside = ((indices < -0.51) | (indices > last + 0.51)).any(axis=-1)
    assert inside.sum() > 1000
    np.testing.assert_allclose(result.array[inside], expected[inside], atol=2e-3)
    assert (result.array[outside] == -999.0).all()


def test_nearest_resampling_keeps_dtype_and_values() -> None:
    labels = Volume(
        np.random.default_rng(0).integers(0, 4, (9, 40, 36), dtype=np.uint8), GRIDS["anisotropic"].affine
    )
    result = resample(labels, GRIDS["oblique"], interpolation="nearest")
    assert result.array.dtype == np.uint8
    grid = GRIDS["oblique"]
    to_source = np.linalg.inv(labels.affine)
    indices = np.rint(positions(grid) @ to_source[:3, :3].T + to_source[:3, 3]).astype(int)
    inside = ((indices >= 0) & (indices < labels.array.shape[::-1])).all(axis=-1)
    i, j, k = indices[inside].T
    assert np.mean(result.array[inside] == labels.array[k, j, i]) > 0.999  # ties may fall either way


@pytest.mark.parametrize("name", GRIDS)
def test_grid_at_spacing_keeps_the_corner_and_covers_the_field_of_view(name: str) -> None:
    old = GRIDS[name]
    spacing_kji = (1.3, 0.8, 1.0)
    new = grid_at_spacing(old, spacing_kji)
    np.testing.assert_allclose(new.spacing, spacing_kji[::-1])
    corner = (-0.5, -0.5, -0.5, 1.0)
    np.testing.assert_allclose(new.affine @ corner, old.affine @ corner, atol=1e-9)
    excess = np.array(new.shape) * spacing_kji - np.array(old.shape) * np.array(old.spacing)[::-1]
    assert (excess > -0.02).all() and (excess < spacing_kji).all()


def test_grid_at_its_own_spacing_is_the_same_grid() -> None:
    grid = GRIDS["oblique"]
    assert grid_at_spacing(grid, grid.spacing[::-1]).matches(grid, 1e-9)


def test_halved_spacing_doubles_the_counts() -> None:
    grid = Grid((4, 5, 6), np.diag([2.0, 2.0, 3.0, 1.0]))
    assert grid_at_spacing(grid, (1.5, 1.0, 1.0)).shape == (8, 10, 12)


def test_resampling_there_and_back_returns_the_volume() -> None:
    fine = grid_around((0, 0, 0), (40, 40, 40), (0.5, 0.5, 0.5), RAS)
    coarse = grid_around((0, 0, 0), (12, 12, 12), (1, 1, 1), LPS)
    volume = filled(coarse)
    back = resample(resample(volume, fine), coarse)
    np.testing.assert_allclose(back.array[2:-2, 2:-2, 2:-2], volume.array[2:-2, 2:-2, 2:-2], atol=2e-3)
