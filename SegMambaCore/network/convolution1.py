"""A convolution of one voxel: a matrix product of its channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Convolution1(nn.Conv3d):
    """1x1x1; on CUDA as a plain matrix product, which adds the bias on its way where cuDNN passes over memory again."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """input: (batch, in_channels, D, H, W); returns (batch, out_channels, D, H, W)."""
        return convolve1(input, self.weight, self.bias)


def convolve1(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the convolution of x (batch, in, D, H, W) with weight (out, in, 1, 1, 1)."""
    # Matrix units want rows of 16 bytes; channels beside each other make voxels the rows of a matrix.
    aligned = weight.shape[0] % 8 == 0 and weight.shape[1] % 8 == 0
    if aligned and _on_gpu(x) and x.is_contiguous(memory_format=torch.channels_last_3d):
        y = F.linear(x.permute(0, 2, 3, 4, 1), weight.flatten(1), bias)
        return y.permute(0, 4, 1, 2, 3)
    return F.conv3d(x, weight, bias)


def _on_gpu(x: Tensor) -> bool:
    return x.device.type == "cuda"
