"""Changes of intensity that another scanner might have made, on the device and without waiting for it.

After nnU-Net (Isensee et al., Nature Methods 2021), on z-scores. Background stays exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from Training.brain_intensities import brain_range, brain_statistics
from Training.clinical import as_from_a_clinic
from Training.config import Augmentation
from Training.randomness import normal


def augment_intensities(
    images: Tensor, brain: Tensor, settings: Augmentation, rngs: Sequence[np.random.Generator]
) -> Tensor:
    """Return changed images, float32 (B, channels, D, H, W).

    images: 0 outside the brain. brain: bool (B, 1, D, H, W). rngs: a generator for each image.
    """
    return torch.stack(
        [_augment(image, mask, settings, rng) for image, mask, rng in zip(images, brain, rngs, strict=True)]
    )


def _augment(image: Tensor, brain: Tensor, settings: Augmentation, rng: np.random.Generator) -> Tensor:
    """image (C, D, H, W), brain (1, D, H, W)."""

    def each_channel(
        change: Callable[[Tensor, float], Tensor], span: tuple[float, float], share: float
    ) -> Tensor:
        changed = [change(x, rng.uniform(*span)) if rng.random() < share else x for x in image]
        return torch.stack(changed)

    if rng.random() < settings.p_noise:
        image = image + normal(image.shape, image.device, rng) * rng.uniform(*settings.noise_sigma)
    if rng.random() < settings.p_blur:
        image = each_channel(blur, settings.blur_sigma_voxels, settings.p_channel_degraded)
    if rng.random() < settings.p_brightness:
        image = each_channel(torch.mul, settings.brightness, 1.0)
    if rng.random() < settings.p_contrast:
        image = change_contrast(image, brain, rng.uniform(*settings.contrast, size=len(image)).tolist())
    if rng.random() < settings.p_channel_shift:
        image = each_channel(torch.add, settings.channel_shift, 1.0)
    if rng.random() < settings.p_low_resolution:
        image = each_channel(lower_resolution, settings.low_resolution, settings.p_channel_degraded)
    if rng.random() < settings.p_gamma_inverted:
        image = -change_gamma(-image, brain, rng.uniform(*settings.gamma))
    if rng.random() < settings.p_gamma:
        image = change_gamma(image, brain, rng.uniform(*settings.gamma))
    return as_from_a_clinic(image * brain, brain, settings, rng)


def blur(channel: Tensor, sigma: float) -> Tensor:
    """Return a channel (D, H, W) smoothed by a Gaussian of `sigma` voxels, zeros around it."""
    radius = 3
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    for axis in range(3):
        padding = [0, 0] * (2 - axis) + [radius, radius]
        padded = F.pad(channel, padding)
        length = channel.shape[axis]
        channel = sum(
            (float(weight) * padded.narrow(axis, start, length) for start, weight in enumerate(weights)),
            start=torch.zeros_like(channel),
        )
    return channel


def lower_resolution(channel: Tensor, zoom: float) -> Tensor:
    """Return a channel (D, H, W) as if acquired with `zoom` times as many voxels a side."""
    small = [max(1, round(length * zoom)) for length in channel.shape]
    reduced = F.interpolate(channel[None, None], size=small, mode="nearest-exact")
    return F.interpolate(reduced, size=channel.shape, mode="trilinear", align_corners=False)[0, 0]


def change_contrast(image: Tensor, brain: Tensor, factors: list[float]) -> Tensor:
    """Stretch each channel of an image (C, D, H, W) about its mean over the brain, within its old range."""
    image = image * brain
    mean, _ = brain_statistics(image, brain)
    low, high = brain_range(image, brain)
    stretched = torch.stack([x * factor for x, factor in zip(image - mean, factors, strict=True)])
    return (stretched + mean).clamp(low, high)


def change_gamma(image: Tensor, brain: Tensor, gamma: float) -> Tensor:
    """Raise each channel's range, taken as 0 to 1, to a power; mean and deviation over the brain stay."""
    image = image * brain
    mean, deviation = brain_statistics(image, brain)
    low, high = brain_range(image, brain)
    curved = ((image - low) / (high - low)).clamp(0, 1).pow(gamma) * brain
    new_mean, new_deviation = brain_statistics(curved, brain)
    return (curved - new_mean) / new_deviation * deviation + mean
