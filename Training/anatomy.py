"""What BraTS images never show: the head around the brain, and the hole that surgery leaves.

On the device, without waiting for it. Images are z-scores (C, D, H, W) with channels in the order of ROLES.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from Training.brain_intensities import brain_range, standardised
from Training.randomness import normal

FLUID = (-1.8, -1.75, 4.0, -2.1)
"""z-scores of cerebrospinal fluid in T1, T1Gd, T2, FLAIR: medians of the training cases."""
_FAT = (2.5, 2.5, 1.0, 1.0)
_FLUID_VOXELS, _BONE_VOXELS, _SCALP_VOXELS = 3, 6, 6
HEAD_VOXELS = _FLUID_VOXELS + _BONE_VOXELS + _SCALP_VOXELS
"""How far the head reaches beyond the brain."""
_TEXTURE = 0.3


def with_head(image: Tensor, brain: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return the image with fluid, bone and scalp around the brain, and the mask (1, D, H, W) of all that.

    As prepared by someone who did not remove the skull: z-scores are over the head, and the brain's own shift.
    brain: bool (1, D, H, W). The shells are crude: thick as above everywhere, cut off where the image ends.
    """
    low, _ = brain_range(image * brain, brain)
    fluid = _grown(brain, _FLUID_VOXELS)
    bone = _grown(fluid, _BONE_VOXELS)
    scalp = _grown(bone, _SCALP_VOXELS)
    levels = torch.stack(
        [
            torch.where(fluid[0], fluid_level, torch.where(bone[0], bone_level, fat_level))
            for fluid_level, bone_level, fat_level in zip(FLUID, low.unbind(0), _FAT, strict=True)
        ]
    )
    around = scalp & ~brain
    texture = 1 + _TEXTURE * normal(image.shape, image.device, rng)
    head = torch.where(around, (levels - low) * texture.clamp_(min=0.05) + low, image)
    return standardised(head, scalp), scalp


def with_cavity(
    image: Tensor, tissue: Tensor, centre: Sequence[float], radii: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Return image and tissue with an ellipsoid of fluid, which counts as brain without tumour.

    tissue: as in `Cases.crop`, (1, D, H, W). centre, radii: voxels along (D, H, W); the centre may lie outside.
    """
    squares = torch.zeros(image.shape[1:], device=image.device)
    for axis, (middle, radius) in enumerate(zip(centre, radii, strict=True)):
        place = torch.arange(image.shape[axis + 1], device=image.device)
        shape = [1, 1, 1]
        shape[axis] = -1
        squares = squares + ((place - middle) / radius).square().view(shape)
    hole = (squares <= 1) & (tissue > 0)
    filled = torch.stack([torch.where(hole[0], level, x) for x, level in zip(image, FLUID, strict=True)])
    return filled, torch.where(hole, torch.ones_like(tissue), tissue)


def _grown(mask: Tensor, voxels: int) -> Tensor:
    """The mask and all within about as many voxels of it: cubes and crosses by turns make an octagon of sorts."""
    grown = mask[None].float()
    for step in range(voxels):
        if step % 2:
            grown = F.max_pool3d(grown, 3, stride=1, padding=1)
        else:
            axes = [(3, 1, 1), (1, 3, 1), (1, 1, 3)]
            along = [
                F.max_pool3d(grown, size, stride=1, padding=tuple(side // 2 for side in size))
                for size in axes
            ]
            grown = torch.stack(along).amax(0)
    return grown[0] > 0
