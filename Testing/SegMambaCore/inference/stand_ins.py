"""Small networks and specs whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from SegMambaCore.model_file.spec import ModelSpec

SPEC = ModelSpec(
    name="stand-in",
    network="small",
    channels=("t2w", "t2f", "t1n", "t1c"),
    spacing=(1.0, 1.0, 1.0),
    orientation="LPS",
    normalisation="zscore_crop",
    activation="sigmoid",
    outputs=("WT", "TC", "ET"),
    patch=(16, 16, 16),
)


def spec(
    normalisation: Literal["zscore_brain", "zscore_crop"] = "zscore_crop",
    activation: Literal["sigmoid", "softmax"] = "sigmoid",
) -> ModelSpec:
    """A spec of 16^3 patches and three outputs."""
    return replace(SPEC, normalisation=normalisation, activation=activation)


def convolution(kernel: int) -> nn.Module:
    """One zero-padded convolution with fixed random weights: it answers otherwise at a patch's edge."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(4, 3, kernel, padding=kernel // 2))


def random_input(shape: tuple[int, int, int]) -> Tensor:
    """Normal noise (4, D, H, W), always the same."""
    return torch.randn((4, *shape), generator=torch.Generator().manual_seed(1))


class OutOfMemoryAbove(nn.Module):
    """A convolution that fails like an allocator above `limit` voxels (batch x D x H x W)."""

    def __init__(self, limit: int, error: Exception) -> None:
        super().__init__()
        self.convolution = convolution(1)
        self.limit = limit
        self.error = error
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        """x (B, 4, D, H, W) -> (B, 3, D, H, W)."""
        self.seen.append(tuple(x.shape))
        if x.numel() // x.shape[1] > self.limit:
            raise self.error
        return self.convolution(x)
