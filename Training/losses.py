"""What the network is asked to make small: cross-entropy, alone or with Dice, over regions or over classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from Training.config import Loss
from Training.model_spec import Activation

_NCR, _ED, _ET = 1, 2, 3


def segmentation_loss(logits: Tensor, labels: Tensor, activation: Activation, settings: Loss) -> Tensor:
    """Return a scalar, float32: (binary) cross-entropy, plus soft Dice loss where the settings say so.

    logits: (B, outputs, D, H, W). labels: integers (B, 1, D, H, W), 0 none, 1 NCR, 2 ED, 3 ET.
    activation: "sigmoid": outputs are the regions WT, TC, ET. "softmax": background, NCR, ED, ET; Dice over
        the last three.
    """
    logits = logits.float()
    if activation == "sigmoid":
        target = regions_of(labels).to(logits.dtype)
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        probabilities = torch.sigmoid(logits)
    else:
        entropy = F.cross_entropy(logits, labels[:, 0].long(), reduction="none")
        target = torch.cat([labels == label for label in (_NCR, _ED, _ET)], dim=1).to(logits.dtype)
        probabilities = torch.softmax(logits, dim=1)[:, 1:]
    loss = _focal_mean(entropy, settings)
    return (
        loss + soft_dice_loss(probabilities, target, settings) if settings.kind != "cross_entropy" else loss
    )


def regions_of(labels: Tensor) -> Tensor:
    """Return bool (B, 3, D, H, W), WT, TC, ET, of labels (B, 1, D, H, W)."""
    return torch.cat([labels >= _NCR, (labels == _NCR) | (labels == _ET), labels == _ET], dim=1)


def soft_dice_loss(probabilities: Tensor, target: Tensor, settings: Loss) -> Tensor:
    """Return 1 - mean of (2 sum(p t) + s) / (2 sum(p t) + 2 b sum((1 - p) t) + 2 (1 - b) sum(p (1 - t)) + s).

    s: `dice_smooth`; b: `missed_weight`, at 0.5 the denominator is sum(p) + sum(t) + s. Sums run over space, and over
    the batch or not (`dice_over`); the mean over channels, and over samples where they have fractions of their own.

    Where a region is absent this is sum(p) / (sum(p) + s): a few false voxels already cost something, but a
    volume of about s is needed for half the loss, so that absent regions neither drown the others nor, as
    with a vanishing s, have no gradient. (B, channels, D, H, W) both.
    """
    axes = (0, 2, 3, 4) if settings.dice_over == "batch" else (2, 3, 4)
    overlap = (probabilities * target).sum(axes)
    missed, false = target.sum(axes) - overlap, probabilities.sum(axes) - overlap
    errors = 2 * settings.missed_weight * missed + 2 * (1 - settings.missed_weight) * false
    smooth = settings.dice_smooth
    return 1 - ((2 * overlap + smooth) / (2 * overlap + errors + smooth)).mean()


def _focal_mean(entropy: Tensor, settings: Loss) -> Tensor:
    """The mean, each voxel weighted by (1 - probability of what is right) ^ gamma: Lin et al., arXiv 1708.02002."""
    if settings.focal_gamma == 0:
        return entropy.mean()
    wrong = -torch.expm1(-entropy)  # the probability of what is right is exp(-entropy)
    return (wrong.clamp(min=1e-6).pow(settings.focal_gamma) * entropy).mean()
