"""Figures of an image over its brain, taken on the device and left there."""

from __future__ import annotations

import torch
from torch import Tensor


def brain_statistics(image: Tensor, brain: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (C, 1, 1, 1) over the brain of an image that is 0 elsewhere.

    image: (C, D, H, W). brain: bool (1, D, H, W), may be empty.
    """
    count = brain.sum().clamp(min=1)
    mean = image.sum(dim=(1, 2, 3), keepdim=True) / count
    variance = image.square().sum(dim=(1, 2, 3), keepdim=True) / count - mean.square()
    return mean, variance.clamp(min=1e-8).sqrt()


def brain_range(image: Tensor, brain: Tensor) -> tuple[Tensor, Tensor]:
    """Return least and greatest value (C, 1, 1, 1) over the brain, never the same. Shapes as above."""
    low = image.masked_fill(~brain, torch.inf).amin(dim=(1, 2, 3), keepdim=True)
    high = image.masked_fill(~brain, -torch.inf).amax(dim=(1, 2, 3), keepdim=True)
    # A patch may lie beside the brain: nothing there to measure.
    low, high = low.nan_to_num(posinf=0.0), high.nan_to_num(neginf=0.0)
    return low, high.maximum(low + 1e-3)


def standardised(image: Tensor, brain: Tensor) -> Tensor:
    """Return each channel with mean 0 and deviation 1 over the brain, 0 elsewhere, as a case is prepared."""
    image = image * brain
    mean, deviation = brain_statistics(image, brain)
    return (image - mean) / deviation * brain
