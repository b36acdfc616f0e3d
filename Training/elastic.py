"""Smooth random displacements, as Simard, Steinkraus and Platt (ICDAR 2003) bent their training images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from Training.config import Size
from Training.randomness import normal

_KNOTS_PER_SIGMA = 3
"""The smoothed noise is made on a coarser grid: nothing in it is finer than that."""


def displacement_field(shape: Size, sigma: float, device: torch.device, rng: np.random.Generator) -> Tensor:
    """Return float32 (3, D, H, W): displacements along d, h, w with mean 0 and standard deviation 1.

    White noise smoothed by a Gaussian of `sigma` voxels; made on the device, a function of the next number of `rng`.
    """
    spacing = max(1.0, sigma / _KNOTS_PER_SIGMA)
    radius = 3 * _KNOTS_PER_SIGMA
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets * spacing / sigma) ** 2)
    weights /= np.sqrt((weights**2).sum())  # keeps the deviation of independent numbers
    knots = [int(np.ceil(side / spacing)) + 1 for side in shape]
    field = normal((3, *(count + 2 * radius for count in knots)), device, rng)
    for axis in (1, 2, 3):
        length = knots[axis - 1]
        field = sum(
            (float(weight) * field.narrow(axis, start, length) for start, weight in enumerate(weights)),
            start=torch.zeros(()),
        )
    return F.interpolate(field[None], size=shape, mode="trilinear", align_corners=True)[0]
