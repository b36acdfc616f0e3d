"""Input as clinics have it: bias fields, motion, thick slices, skulls; contrasts swapped or missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from SegMambaCore.case.case import ROLES
from Training.anatomy import with_head
from Training.brain_intensities import standardised
from Training.config import Augmentation
from Training.corruptions import (
    apply_bias_field,
    bend_intensities,
    in_positive_units,
    move_during_scan,
    thicken_slices,
)

SWAPS = (("t2w", "t2f"), ("t1n", "t1c"))
"""Pairs of roles that people exchange."""
MOST_DROPPED = 2
"""Of the four contrasts; at least two remain."""
_BIAS_POLYNOMIALS = 4  # up to the third degree, as in MONAI

Change = Callable[[Tensor], Tensor]
"""From a channel (D, H, W) in positive units to the changed one."""


def as_from_a_clinic(
    image: Tensor, brain: Tensor, settings: Augmentation, rng: np.random.Generator
) -> Tensor:
    """Return z-scores (C, D, H, W) of the same brain acquired worse, or with contrasts in wrong roles or absent.

    Only where the skull is left on is anything outside of the brain other than 0.
    image: channels in the order of ROLES, 0 outside the brain; brain: bool (1, D, H, W).
    """
    worse = _draw_changes(len(image), brain[0], settings, rng)
    if any(worse):
        image = acquired_worse(image, brain, worse)
    if rng.random() < settings.p_skull:
        image, _ = with_head(image, brain, rng)
    if rng.random() < settings.p_swap:
        image = swap(image, SWAPS[rng.integers(len(SWAPS))])
    if rng.random() < settings.p_no_enhancement:
        image = without_enhancement(image)
    if rng.random() < settings.p_contrast_dropout:
        count = rng.integers(1, MOST_DROPPED + 1)
        image = drop_contrasts(image, rng.choice(len(image), size=count, replace=False).tolist())
    return image


def acquired_worse(image: Tensor, brain: Tensor, changes: Sequence[Sequence[Change]]) -> Tensor:
    """Return the image with each channel's changes made, in z-scores again; a channel without any stays as it is."""
    positive = in_positive_units(image, brain)
    channels = []
    for channel, of_channel in zip(positive, changes, strict=True):
        for change in of_channel:
            channel = change(channel)
        channels.append(channel)
    changed = standardised(torch.stack(channels), brain)
    return torch.stack(
        [new if touched else old for new, old, touched in zip(changed, image, changes, strict=True)]
    )


def swap(image: Tensor, roles: tuple[str, str]) -> Tensor:
    """Return the image (C, D, H, W) with two contrasts in each other's place."""
    order = list(range(len(image)))
    first, second = (ROLES.index(role) for role in roles)
    order[first], order[second] = second, first
    return torch.stack([image[channel] for channel in order])


def without_enhancement(image: Tensor) -> Tensor:
    """Return the image with T1 in place of T1Gd, as if no contrast agent had been given."""
    source = {ROLES.index("t1c"): ROLES.index("t1n")}
    return torch.stack([image[source.get(channel, channel)] for channel in range(len(image))])


def drop_contrasts(image: Tensor, channels: Sequence[int]) -> Tensor:
    """Return the image with these channels 0 everywhere, as the command fills in a missing contrast."""
    return torch.stack([torch.zeros_like(x) if n in channels else x for n, x in enumerate(image)])


def _draw_changes(
    channels: int, brain: Tensor, settings: Augmentation, rng: np.random.Generator
) -> list[list[Change]]:
    """For each channel its changes, in the order in which they come about: coil, patient, slices, display."""
    changes: list[list[Change]] = [[] for _ in range(channels)]

    def draw(probability: float, one: Callable[[], Change]) -> None:
        if rng.random() < probability:
            for of_channel in changes:
                if rng.random() < settings.p_channel_degraded:
                    of_channel.append(one())

    draw(settings.p_bias_field, lambda: _bias_field(settings, rng))
    draw(settings.p_motion, lambda: _motion(settings, rng))
    draw(settings.p_thick_slices, lambda: _thick_slices(brain, settings, rng))
    draw(settings.p_intensity_curve, lambda: _intensity_curve(settings, rng))
    return changes


def _bias_field(settings: Augmentation, rng: np.random.Generator) -> Change:
    coefficients = rng.uniform(-1, 1, size=(_BIAS_POLYNOMIALS,) * 3) * rng.uniform(*settings.bias_field)
    degree = np.indices(coefficients.shape).sum(axis=0)
    coefficients[degree >= _BIAS_POLYNOMIALS] = 0.0
    return lambda channel: apply_bias_field(channel, coefficients)


def _motion(settings: Augmentation, rng: np.random.Generator) -> Change:
    low, high = (round(value) for value in settings.motion_voxels)
    d, h, w = (rng.integers(low, high + 1, size=3) * rng.choice((-1, 1), size=3)).tolist()
    axis, first, share = int(rng.integers(3)), rng.uniform(0.0, 0.7), rng.uniform(0.1, 0.5)
    period = int(rng.integers(1, 4))
    return lambda channel: move_during_scan(channel, (d, h, w), axis, first, share, period)


def _thick_slices(brain: Tensor, settings: Augmentation, rng: np.random.Generator) -> Change:
    thickness, axis = rng.uniform(*settings.slice_voxels), int(rng.integers(3))
    return lambda channel: thicken_slices(channel, brain, thickness, axis)


def _intensity_curve(settings: Augmentation, rng: np.random.Generator) -> Change:
    (rising, falling), share = rng.uniform(*settings.intensity_curve, size=2), rng.random()
    return lambda channel: bend_intensities(channel, rising, falling, share)
