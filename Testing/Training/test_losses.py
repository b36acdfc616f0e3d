"""The loss against MONAI, and its behaviour where a region is absent."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss, FocalLoss, TverskyLoss
from torch.nn import functional as F

from Training.config import Loss
from Training.losses import regions_of, segmentation_loss, soft_dice_loss

LOSS = Loss(kind="dice_cross_entropy", dice_smooth=3.0, dice_over="batch", missed_weight=0.5, focal_gamma=0.0)
LABELS = torch.randint(0, 4, (2, 1, 6, 5, 7), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_sigmoid_loss_is_monais_dice_plus_binary_cross_entropy() -> None:
    logits = torch.randn(2, 3, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    target = regions_of(LABELS).float()
    oracle = DiceLoss(sigmoid=True, batch=True, smooth_nr=3.0, smooth_dr=3.0)(logits, target)
    oracle = oracle + F.binary_cross_entropy(torch.sigmoid(logits), target)
    assert segmentation_loss(logits, LABELS, "sigmoid", LOSS).item() == pytest.approx(oracle.item(), rel=1e-5)


def test_softmax_loss_is_monais_dice_cross_entropy() -> None:
    logits = torch.randn(2, 4, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    oracle = DiceCELoss(
        to_onehot_y=True, softmax=True, include_background=False, batch=True, smooth_nr=3.0, smooth_dr=3.0
    )(logits, LABELS)
    # MONAI leaves the background out of its cross-entropy too where it is told to for Dice.
    oracle_dice = DiceLoss(
        to_onehot_y=True, softmax=True, include_background=False, batch=True, smooth_nr=3.0, smooth_dr=3.0
    )(logits, LABELS)
    expected = oracle_dice + F.cross_entropy(logits, LABELS[:, 0].long())
    assert segmentation_loss(logits, LABELS, "softmax", LOSS).item() == pytest.approx(
        expected.item(), rel=1e-5
    )
    assert torch.isfinite(oracle)


@pytest.mark.parametrize("missed_weight", [0.3, 0.7])
def test_weighted_misses_over_samples_are_monais_tversky(missed_weight: float) -> None:
    probabilities = torch.rand(2, 3, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    target = regions_of(LABELS).float()
    oracle = TverskyLoss(alpha=1 - missed_weight, beta=missed_weight, smooth_nr=1.5, smooth_dr=1.5)
    settings = replace(LOSS, dice_over="sample", missed_weight=missed_weight)
    loss = soft_dice_loss(probabilities, target, settings)
    assert loss.item() == pytest.approx(oracle(probabilities, target).item(), rel=1e-5)


def test_focal_cross_entropy_is_monais() -> None:
    logits = torch.randn(2, 3, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    target = regions_of(LABELS).float()
    difference = segmentation_loss(
        logits, LABELS, "sigmoid", replace(LOSS, focal_gamma=2.0)
    ) - soft_dice_loss(torch.sigmoid(logits), target, LOSS)
    assert difference.item() == pytest.approx(FocalLoss(gamma=2.0)(logits, target).item(), rel=1e-4)


def test_regions_are_nested_unions_of_labels() -> None:
    labels = torch.tensor([0, 1, 2, 3], dtype=torch.uint8).view(1, 1, 4, 1, 1)
    assert regions_of(labels)[0, :, :, 0, 0].tolist() == [
        [False, True, True, True],
        [False, True, False, True],
        [False, False, False, True],
    ]


def test_false_voxels_of_an_absent_region_cost_and_have_a_gradient() -> None:
    absent = torch.zeros(1, 1, 8, 8, 8)
    probabilities = torch.full_like(absent, 0.1, requires_grad=True)  # 51.2 voxels in total
    loss = soft_dice_loss(probabilities, absent, replace(LOSS, dice_smooth=51.2))
    loss.backward()
    assert loss.item() == pytest.approx(0.5, abs=1e-5)
    assert probabilities.grad is not None and probabilities.grad.min() > 1e-3
    assert soft_dice_loss(absent, absent, replace(LOSS, dice_smooth=51.2)).item() == 0.0


def test_cross_entropy_alone_has_no_dice_in_it() -> None:
    alone = replace(LOSS, kind="cross_entropy")
    logits = torch.randn(2, 4, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    expected = F.cross_entropy(logits, LABELS[:, 0].long())
    assert segmentation_loss(logits, LABELS, "softmax", alone).item() == pytest.approx(
        expected.item(), rel=1e-6
    )
    target = regions_of(LABELS).float()
    expected = F.binary_cross_entropy_with_logits(logits[:, :3], target)
    found = segmentation_loss(logits[:, :3], LABELS, "sigmoid", alone)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
