"""The patches and their weights, against MONAI's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.utils import _get_scan_interval

from SegMambaCore.inference.windows import gaussian_weights, window_boxes


@pytest.mark.parametrize("shape", [(32, 32, 32), (33, 47, 90), (20, 64, 31), (1, 32, 95), (128, 40, 65)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.75])
def test_boxes_are_monai_s(shape: tuple[int, int, int], overlap: float) -> None:
    window = tuple(min(32, length) for length in shape)
    interval = _get_scan_interval(shape, window, 3, [overlap] * 3)
    expected = {tuple(axis.start for axis in box) for box in dense_patch_slices(shape, window, interval)}
    boxes = window_boxes(shape, (32, 32, 32), overlap)
    assert {tuple(axis.start for axis in box) for box in boxes} == expected
    assert len(boxes) == len(expected)
    assert all(tuple(axis.stop - axis.start for axis in box) == window for box in boxes)


def test_boxes_cover_every_voxel_at_an_overlap_of_almost_one() -> None:
    covered = np.zeros((9, 10, 11), bool)
    for box in window_boxes(covered.shape, (4, 4, 4), 0.99):
        covered[box] = True
    assert covered.all()


@pytest.mark.parametrize("window", [(16, 16, 16), (8, 17, 32), (1, 5, 4)])
def test_weights_are_monai_s(window: tuple[int, int, int]) -> None:
    expected = compute_importance_map(window, mode="gaussian", sigma_scale=0.125).clamp(min=1e-3)
    torch.testing.assert_close(gaussian_weights(window), expected, rtol=1e-5, atol=1e-7)
