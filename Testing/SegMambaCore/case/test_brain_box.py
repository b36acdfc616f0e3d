"""Boxes around brains, with and without dust."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from SegMambaCore.case.brain_box import exact_box, grown_box, without_dust


def _brain() -> NDArray[np.bool_]:
    content = np.zeros((61, 74, 67), dtype=bool)
    content[20:45, 21:60, 18:50] = True
    return content


def test_exact_box() -> None:
    assert exact_box(_brain()) == ((20, 21, 18), (25, 39, 32))


def test_box_of_one_voxel_in_a_corner() -> None:
    content = np.zeros((3, 4, 5), dtype=bool)
    content[2, 0, 4] = True
    assert exact_box(content) == ((2, 0, 4), (1, 1, 1))


@pytest.mark.parametrize("first", [0, 3])
def test_grown_box_is_centred_and_a_multiple(first: str) -> None:
    content = np.zeros((40, 40, 40), dtype=bool)
    content[first : first + 20, 5:21, 5:22] = True
    start, shape = grown_box(content, 16)
    assert shape == (32, 16, 32)
    assert start == (first - 6, 5, 5 - 7)


@pytest.mark.parametrize("place", [(0, 0, 0), (60, 73, 66), (59, 2, 30)])
def test_speck_far_from_the_brain_does_not_count(place: str) -> None:
    content = _brain()
    content[place] = True
    assert exact_box(without_dust(content)) == exact_box(_brain())


def test_speck_beside_the_brain_stays() -> None:
    content = _brain()
    content[46, 30, 30] = True
    assert exact_box(without_dust(content))[1][0] == 27


def test_second_large_piece_stays() -> None:
    content = _brain()
    content[55:60, 2:12, 2:12] = True  # 500 of 31,700 voxels
    np.testing.assert_array_equal(without_dust(content), content)


def test_all_dust_leaves_the_largest() -> None:
    rng = np.random.default_rng(0)
    content = rng.random((80, 80, 80)) < 2e-5
    assert without_dust(content).any()
