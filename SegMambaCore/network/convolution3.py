"""The network's most frequent convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from SegMambaCore.gpu.nvrtc import kernels_run_on


class Convolution3(nn.Conv3d):
    """3x3x3, stride 1, padding 1; with a kernel of our own on NVIDIA GPUs where that is faster than cuDNN."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """input: (batch, in_channels, D, H, W); returns (batch, out_channels, D, H, W)."""
        if _cuda_can(input, self.weight):
            from SegMambaCore.network.cuda_conv3 import convolve3_cuda

            return convolve3_cuda(input, self.weight, self.bias)
        return super().forward(input)


def _cuda_can(x: Tensor, weight: Tensor) -> bool:
    if x.device.type != "cuda" or torch.compiler.is_compiling() or not kernels_run_on(x.device.index):
        return False
    from SegMambaCore.network.cuda_conv3 import takes

    return takes(x, weight)
