"""What a network's probabilities promise, against Dice over truths drawn from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SegMambaCore.segmentation.expected_dice import expected_dice, unsure_regions

RNG = np.random.default_rng(0)


def _promise(probabilities: np.ndarray) -> float:
    return expected_dice({"WT": probabilities}, {"WT": probabilities >= 0.5})["WT"]


@pytest.mark.parametrize("sharpness", [0.5, 2.0, 8.0])
def test_it_is_the_mean_dice_over_truths_that_the_probabilities_allow(sharpness: float) -> None:
    distance = 12 - np.sqrt(sum((g - 20) ** 2 for g in np.indices((40, 40, 40))))
    probabilities = (1 / (1 + np.exp(-sharpness * distance))).astype(np.float32)
    mask = probabilities >= 0.5
    dice = []
    for _ in range(20):
        truth = RNG.random(mask.shape) < probabilities
        dice.append(2 * np.count_nonzero(mask & truth) / (mask.sum() + truth.sum()))
    assert _promise(probabilities) == pytest.approx(np.mean(dice), abs=0.005)


def test_sure_is_one_and_doubt_is_less() -> None:
    sure = np.zeros((10, 10, 10), np.float32)
    assert _promise(sure) == 1.0
    sure[2:8, 2:8, 2:8] = 1.0
    assert _promise(sure) == 1.0
    missed = np.full((20, 20, 20), 0.3, np.float32)  # nothing is found, though 2400 voxels are expected
    assert _promise(missed) < 0.05


def test_tensors_say_the_same_and_limits_name_regions() -> None:
    probabilities = RNG.random((8, 8, 8), dtype=np.float32)
    mask = probabilities >= 0.5
    of_array = expected_dice({"ET": probabilities}, {"ET": mask})
    of_tensor = expected_dice({"ET": torch.from_numpy(probabilities)}, {"ET": torch.from_numpy(mask)})
    assert of_tensor["ET"] == pytest.approx(of_array["ET"], rel=1e-5)
    assert unsure_regions({"WT": 0.9, "ET": 0.5}, {"ET": 0.6, "WT": 0.8}) == ["ET"]
    assert unsure_regions({"WT": 0.1}, {}) == []
