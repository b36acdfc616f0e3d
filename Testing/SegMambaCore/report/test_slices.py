"""Slices must hang as a radiologist expects, whatever the file's orientation."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from SegMambaCore.report.slices import (
    PLANES,
    content_box,
    cut,
    edge_letters,
    largest_cross_section,
    pixel_size,
    slice_offset,
)
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Grid, Volume

_AXIAL, _SAGITTAL, _CORONAL = PLANES


def _whole(shape: tuple[int, int, int]) -> tuple[slice, ...]:
    return tuple(slice(0, count) for count in shape)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_right_is_left_and_anterior_and_superior_are_up(
    axes: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    """Each voxel holds its own RAS coordinates, so that the picture itself tells where it points."""
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(axes)] @ np.diag(signs) * (1.0, 2.0, 3.0)
    affine[:3, 3] = (5, -7, 9)
    shape = (4, 5, 6)
    k, j, i = np.indices(shape)
    ras = np.einsum("rc,ckji->rkji", affine, np.stack([i, j, k, np.ones_like(i)]))
    turned = [to_orientation(Volume(ras[axis], affine), "LPS") for axis in range(3)]
    grid = turned[0].grid
    expected = {  # plane: what grows to the right of the picture, what grows downwards, what stands still
        _AXIAL: ((0, -1), (1, -1), 2),
        _SAGITTAL: ((1, -1), (2, -1), 0),
        _CORONAL: ((0, -1), (2, -1), 1),
    }
    for plane, ((across, across_sign), (down, down_sign), still) in expected.items():
        images = [cut(volume, grid, plane, 1, _whole(grid.shape)) for volume in turned]
        row_step, column_step = pixel_size(grid, plane)
        np.testing.assert_allclose(np.diff(images[across], axis=1), across_sign * column_step)
        np.testing.assert_allclose(np.diff(images[down], axis=0), down_sign * row_step)
        assert np.ptp(images[still]) == 0
        letters = {_AXIAL: "RLAP", _SAGITTAL: "APSI", _CORONAL: "RLSI"}
        assert "".join(edge_letters(grid, plane)) == letters[plane]
        position = images[still][0, 0]
        assert slice_offset(grid, plane, 1).endswith(f"{abs(position):.1f} mm")
        sign_letters = (("R", "L"), ("A", "P"), ("S", "I"))[still]
        assert slice_offset(grid, plane, 1)[0] == sign_letters[0 if position >= 0 else 1]


def test_oblique_axes_get_two_letters_from_twenty_degrees_on() -> None:
    def letters(degrees: float) -> tuple[str, ...]:
        a = np.radians(degrees)
        affine = np.eye(4)
        affine[:3, :3] = [[-np.cos(a), np.sin(a), 0], [-np.sin(a), -np.cos(a), 0], [0, 0, 1]]
        return edge_letters(Grid((3, 3, 3), affine), _AXIAL)

    assert letters(10) == ("R", "L", "A", "P")
    assert letters(30) == ("RA", "LP", "AL", "PR")


def test_a_slice_of_another_grid_is_interpolated_in_physical_space() -> None:
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    grid = Grid((10, 12, 14), affine)
    fine = np.diag([-0.5, -0.4, 0.8, 1.0])
    fine[:3, 3] = (3, 2, -4)
    k, j, i = np.indices((30, 50, 60))
    ras = np.einsum("rc,ckji->rkji", fine, np.stack([i, j, k, np.ones_like(i)]))
    volume = Volume(2 * ras[0] - 3 * ras[1] + ras[2] + 50, fine)  # linear, so that interpolation is exact
    box = (slice(2, 8), slice(3, 9), slice(1, 12))
    for plane in PLANES:
        image = cut(volume, grid, plane, 4, box)
        k, j, i = np.indices(grid.shape)
        truth = Volume(2 * -1.0 * i - 3 * -1.0 * j + k + 50, affine)
        np.testing.assert_allclose(image, cut(truth, grid, plane, 4, box), atol=1e-3)


def test_the_slice_that_shows_all_regions_is_chosen() -> None:
    whole, core = np.zeros((20, 4, 4), dtype=bool), np.zeros((20, 4, 4), dtype=bool)
    whole[3:15] = True
    core[12, 1:3, 1:3] = True
    assert largest_cross_section([whole, core], _AXIAL) == 12
    assert largest_cross_section([whole, np.zeros_like(core)], _AXIAL) == 3
    assert largest_cross_section([np.zeros_like(core)] * 2, _AXIAL) is None


def test_content_box_holds_head_and_tumor_but_not_the_noise() -> None:
    rng = np.random.default_rng(2)
    array = rng.random((30, 40, 50)) * 3
    array[10:20, 12:30, 15:40] += 100
    mask = np.zeros(array.shape, dtype=bool)
    mask[22, 20, 20] = True
    volume = Volume(array, np.diag([1.0, 1.0, 2.0, 1.0]))
    assert content_box(volume, [mask], margin_mm=4) == (slice(8, 25), slice(8, 34), slice(11, 44))
