"""The network's most frequent convolution."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from SegMambaCore.gpu.nvrtc import kernels_work_on


class Convolution3(nn.Conv3d):
    """3x3x3, stride 1, padding 1; with a kernel of our own on NVIDIA GPUs where that is faster than cuDNN."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """input: (batch, in_channels, D, H, W); returns (batch, out_channels, D, H, W)."""
        return convolve3(input, self.weight, self.bias)


def convolve3(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the convolution of x (batch, in, D, H, W) with weight (out, in, 3, 3, 3), padding 1."""
    if _kernel_takes(x, weight):
        from SegMambaCore.network.cuda_conv3 import convolve3_cuda

        return convolve3_cuda(x, weight, bias)
    return F.conv3d(x, weight, bias, padding=1)


def faster_in_halves(half: Tensor, weight: Tensor) -> bool:
    """Whether convolving two tensors like half, each with its part of weight, beats convolving them side by side.

    So it does where our kernel takes the halves, but not the whole with its twice as many channels.
    """
    of_half = weight[:, : half.shape[1]]
    return _kernel_takes(half, of_half) and not _kernel_takes(half, weight)


def _kernel_takes(x: Tensor, weight: Tensor) -> bool:
    if not kernels_work_on(x):
        return False
    from SegMambaCore.network.cuda_conv3 import takes

    return takes(x, weight)
