"""What the network is asked to make small: Dice plus cross-entropy, over regions or over classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from Training.model_spec import Activation

_NCR, _ED, _ET = 1, 2, 3


def segmentation_loss(logits: Tensor, labels: Tensor, activation: Activation, dice_smooth: float) -> Tensor:
    """Return a scalar, float32: soft Dice loss plus (binary) cross-entropy.

    logits: (B, outputs, D, H, W). labels: integers (B, 1, D, H, W), 0 none, 1 NCR, 2 ED, 3 ET.
    activation: "sigmoid": outputs are the regions WT, TC, ET. "softmax": background, NCR, ED, ET; Dice over
        the last three.
    dice_smooth: voxels added to numerator and denominator, see `soft_dice_loss`.
    """
    logits = logits.float()
    if activation == "sigmoid":
        target = regions_of(labels).to(logits.dtype)
        entropy = F.binary_cross_entropy_with_logits(logits, target)
        return entropy + soft_dice_loss(torch.sigmoid(logits), target, dice_smooth)
    entropy = F.cross_entropy(logits, labels[:, 0].long())
    classes = torch.cat([labels == label for label in (_NCR, _ED, _ET)], dim=1).to(logits.dtype)
    return entropy + soft_dice_loss(torch.softmax(logits, dim=1)[:, 1:], classes, dice_smooth)


def regions_of(labels: Tensor) -> Tensor:
    """Return bool (B, 3, D, H, W), WT, TC, ET, of labels (B, 1, D, H, W)."""
    return torch.cat([labels >= _NCR, (labels == _NCR) | (labels == _ET), labels == _ET], dim=1)


def soft_dice_loss(probabilities: Tensor, target: Tensor, smooth: float) -> Tensor:
    """Return 1 - mean over channels of (2 sum(p t) + s) / (sum(p) + sum(t) + s), sums over batch and space.

    Where a region is absent this is sum(p) / (sum(p) + s): a few false voxels already cost something, but a
    volume of about s is needed for half the loss, so that absent regions neither drown the others nor, as
    with a vanishing s, have no gradient. (B, channels, D, H, W) both.
    """
    axes = (0, 2, 3, 4)
    overlap = (probabilities * target).sum(axes)
    total = probabilities.sum(axes) + target.sum(axes)
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()
