"""Overlapping patches that cover a tensor, and the weights that blend them."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from SegMambaCore.volume.bounding_box import Box


def window_boxes(shape: tuple[int, int, int], window: tuple[int, int, int], overlap: float) -> list[Box]:
    """Return the patches that cover a (D, H, W) tensor, all of one size, first axis slowest.

    Neighbours are int(window * (1 - overlap)) voxels apart; the last of each axis is shifted back to the
    tensor's edge. Where the tensor is smaller than the window, the patch is as large as the tensor: padding
    would change the statistics of the network's instance norms.
    """
    size = fit_window(window, shape)
    starts = [_starts(length, patch, overlap) for length, patch in zip(shape, size, strict=True)]
    return [
        (slice(d, d + size[0]), slice(h, h + size[1]), slice(w, w + size[2]))
        for d, h, w in product(starts[0], starts[1], starts[2])
    ]


def fit_window(window: tuple[int, int, int], shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the window, nowhere larger than the tensor."""
    return min(window[0], shape[0]), min(window[1], shape[1]), min(window[2], shape[2])


def gaussian_weights(window: tuple[int, int, int], device: torch.device | str = "cpu") -> Tensor:
    """Return float32 weights (D, H, W): 1 at the window's centre, small at its edge, where less is known.

    A Gaussian with a standard deviation of an eighth of the window, as nnU-Net and the public SegMamba code
    blend; never below 1e-3, so that a voxel that only one corner covers still divides well.
    """
    profiles = []
    for length in window:
        distance = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
        profiles.append(torch.exp(-0.5 * (distance / (length / 8)) ** 2).float().to(device))
    weights = profiles[0][:, None, None] * profiles[1][None, :, None] * profiles[2][None, None, :]
    return weights.clamp_(min=1e-3)


def _starts(length: int, patch: int, overlap: float) -> list[int]:
    step = max(1, int(patch * (1 - overlap)))
    return [*range(0, length - patch, step), length - patch]
