"""Metrics against MONAI, and the convention for empty masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from Training.metrics import MISSED_HD95_MM, dice, hd95

SHAPE = (24, 30, 18)
SPACING = (1.0, 0.8, 2.5)


@pytest.mark.parametrize("seed", range(6))
def test_metrics_agree_with_monai_on_blobs(seed: int) -> None:
    prediction, reference = _blobs(seed), _blobs(seed + 100)
    assert dice(prediction, reference) == pytest.approx(
        float(compute_dice(_one_hot(prediction), _one_hot(reference)))
    )
    assert hd95(prediction, reference, SPACING) == pytest.approx(_monai_hd95(prediction, reference), abs=1e-4)


def test_surfaces_at_the_border_of_the_array_count() -> None:
    prediction = np.ones(SHAPE, dtype=np.bool_)
    reference = np.zeros(SHAPE, dtype=np.bool_)
    reference[:5, 3:9, 4:6] = True
    assert hd95(prediction, reference, SPACING) == pytest.approx(_monai_hd95(prediction, reference), abs=1e-4)


def test_single_voxels_are_their_distance_apart() -> None:
    prediction, reference = np.zeros(SHAPE, dtype=np.bool_), np.zeros(SHAPE, dtype=np.bool_)
    prediction[2, 3, 4], reference[2, 6, 8] = True, True
    assert hd95(prediction, reference, (1.0, 1.0, 1.0)) == pytest.approx(5.0)
    assert dice(prediction, reference) == 0.0


def test_empty_masks_follow_brats_2021() -> None:
    empty, blob = np.zeros(SHAPE, dtype=np.bool_), _blobs(0)
    assert (dice(empty, empty), hd95(empty, empty, SPACING)) == (1.0, 0.0)
    assert (dice(empty, blob), hd95(empty, blob, SPACING)) == (0.0, MISSED_HD95_MM)
    assert (dice(blob, empty), hd95(blob, empty, SPACING)) == (0.0, MISSED_HD95_MM)


def _blobs(seed: int) -> NDArray[np.bool_]:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2)
    return noise > np.quantile(noise, 0.8)


def _one_hot(mask: NDArray[np.bool_]) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None].float()


def _monai_hd95(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    return float(
        compute_hausdorff_distance(
            _one_hot(prediction),
            _one_hot(reference),
            include_background=True,
            percentile=95,
            spacing=list(SPACING),
        )
    )
