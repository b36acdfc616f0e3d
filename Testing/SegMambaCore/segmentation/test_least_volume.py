"""Regions below their least volume: which go, and what stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from SegMambaCore.segmentation.decide import decide, dropped_regions
from Training.model_spec import model_spec

SPEC = model_spec("sigmoid")


def _probabilities(whole: int, core: int, enhancing: int) -> np.ndarray:
    """So many voxels in each region, nested, along a line of 1 mm voxels."""
    probabilities = np.zeros((3, 1, 1, 1000), np.float32)
    for channel, voxels in zip(probabilities, (whole, core, enhancing), strict=True):
        channel[..., :voxels] = 0.9
    return probabilities


def _counts(least: dict[str, float], sizes: tuple[int, int, int]) -> tuple[int, ...]:
    masks = decide(_probabilities(*sizes), replace(SPEC, least_volume_ml=least))
    return tuple(int(mask.sum()) for mask in masks.values())


def test_nothing_goes_without_a_limit_or_above_it() -> None:
    assert _counts({}, (500, 100, 3)) == (500, 100, 3)
    assert _counts({"ET": 0.05}, (500, 100, 50)) == (500, 100, 50)  # exactly the least


def test_a_small_region_goes_and_the_one_around_keeps_its_voxels() -> None:
    assert _counts({"ET": 0.05}, (500, 100, 49)) == (500, 100, 0)
    assert _counts({"ET": 0.05}, (500, 100, 0)) == (500, 100, 0)


def test_what_lies_within_a_small_region_goes_with_it() -> None:
    assert _counts({"TC": 0.2}, (500, 100, 80)) == (500, 0, 0)
    assert _counts({"TC": 0.2, "ET": 0.01}, (500, 300, 80)) == (500, 300, 80)


def test_volumes_are_of_the_grid_that_is_decided_on() -> None:
    spec = replace(SPEC, least_volume_ml={"ET": 0.05})
    probabilities = _probabilities(500, 100, 30)
    assert decide(probabilities, spec)["ET"].sum() == 0  # 0.03 mL at the model's 1 mm
    assert decide(probabilities, spec, voxel_ml=0.002)["ET"].sum() == 30
    assert decide(probabilities, replace(spec, spacing=(1.0, 1.0, 2.0)))["ET"].sum() == 30


def test_what_was_dropped_is_told_with_its_volume() -> None:
    spec = replace(SPEC, least_volume_ml={"ET": 0.05, "TC": 0.05})
    assert dropped_regions(_probabilities(500, 100, 30), spec) == {"ET": pytest.approx(0.03)}
    assert dropped_regions(_probabilities(500, 100, 60), spec) == {}


def test_classes_and_tensors_follow_the_same_rule() -> None:
    spec = replace(model_spec("softmax"), least_volume_ml={"ET": 0.05})
    classes = np.zeros((4, 1, 1, 200), np.float32)
    classes[0, ..., 100:], classes[1, ..., 30:100], classes[3, ..., :30] = 1, 1, 1
    masks = decide(classes, spec)
    assert [int(masks[region].sum()) for region in ("WT", "TC", "ET")] == [100, 100, 0]
    assert torch.equal(decide(torch.from_numpy(classes), spec)["TC"], torch.from_numpy(masks["TC"]))
