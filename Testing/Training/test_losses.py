"""The loss against MONAI, and its behaviour where a region is absent."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss
from torch.nn import functional as F

from Training.losses import regions_of, segmentation_loss, soft_dice_loss

LABELS = torch.randint(0, 4, (2, 1, 6, 5, 7), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_sigmoid_loss_is_monais_dice_plus_binary_cross_entropy() -> None:
    logits = torch.randn(2, 3, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    target = regions_of(LABELS).float()
    oracle = DiceLoss(sigmoid=True, batch=True, smooth_nr=3.0, smooth_dr=3.0)(logits, target)
    oracle = oracle + F.binary_cross_entropy(torch.sigmoid(logits), target)
    assert segmentation_loss(logits, LABELS, "sigmoid", 3.0).item() == pytest.approx(oracle.item(), rel=1e-5)


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
    assert segmentation_loss(logits, LABELS, "softmax", 3.0).item() == pytest.approx(
        expected.item(), rel=1e-5
    )
    assert torch.isfinite(oracle)


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
    loss = soft_dice_loss(probabilities, absent, smooth=51.2)
    loss.backward()
    assert loss.item() == pytest.approx(0.5, abs=1e-5)
    assert probabilities.grad is not None and probabilities.grad.min() > 1e-3
    assert soft_dice_loss(absent, absent, smooth=51.2).item() == 0.0
