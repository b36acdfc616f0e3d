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
        if not self._is_product_of(input):
            return super().forward(input)
        y = F.linear(input.permute(0, 2, 3, 4, 1), self.weight.flatten(1), self.bias)
        return y.permute(0, 4, 1, 2, 3)

    def _is_product_of(self, x: Tensor) -> bool:
        # Matrix units want rows of 16 bytes; channels beside each other make voxels the rows of a matrix.
        aligned = self.in_channels % 8 == 0 and self.out_channels % 8 == 0
        return aligned and _on_gpu(x) and x.is_contiguous(memory_format=torch.channels_last_3d)


def _on_gpu(x: Tensor) -> bool:
    return x.device.type == "cuda"
