"""The decoder's residual and up-sampling blocks, with their norms fused to what follows them.

They compute what MONAI's `UnetResBlock`, `UnetrUpBlock` and `UnetOutBlock` compute, which the public code uses, and
name their layers alike, so that its weights fit. MONAI itself takes longer to import than PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from SegMambaCore.network.convolution1 import Convolution1, convolve1
from SegMambaCore.network.convolution3 import Convolution3, convolve3, faster_in_halves
from SegMambaCore.network.instance_norm import add, norm_act, norm_add_act

SLOPE = 0.01


class ConvolutionLayer(nn.Sequential):
    """A convolution that keeps its size, 1x1x1 or 3x3x3, under the name `conv` that MONAI gives it."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, bias: bool = False) -> None:
        super().__init__()
        if kernel_size == 3:
            self.conv: nn.Conv3d = Convolution3(in_channels, out_channels, bias=bias)
        else:
            self.conv = Convolution1(in_channels, out_channels, bias=bias)


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions with instance norm and leaky ReLU beside a residual (1x1x1 where the width changes)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = ConvolutionLayer(in_channels, out_channels, 3)
        self.conv2 = ConvolutionLayer(out_channels, out_channels, 3)
        self.conv3 = ConvolutionLayer(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W) -> (batch, out_channels, D, H, W)."""
        return self.end(*self.begin(x))

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return all that is needed of x: the first convolution, and the residual before its norm."""
        return self.conv1(x), x if self.conv3 is None else self.conv3(x)

    def end(self, y: Tensor, residual: Tensor) -> Tensor:
        """Go on from what `begin` returned."""
        y = self.conv2(norm_act(y, SLOPE))
        return norm_add_act(y, residual, norm_residual=self.conv3 is not None, slope=SLOPE)


class BasicBlock(nn.Module):
    """A residual block under the name that MONAI's `UnetrBasicBlock` gives it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = ResidualBlock(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W) -> (batch, out_channels, D, H, W)."""
        return self.layer(x)


class UpBlock(nn.Module):
    """Transposed convolution to twice the resolution, the skip beside it, a residual block."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.transp_conv = nn.Sequential()
        self.transp_conv.add_module(
            "conv", nn.ConvTranspose3d(in_channels, out_channels, 2, stride=2, bias=False)
        )
        self.conv_block = ResidualBlock(2 * out_channels, out_channels)

    def forward(self, x: Tensor, make_skip: Callable[[], Tensor]) -> Tensor:
        """x: (batch, in_channels, d, h, w) -> (batch, out_channels, 2d, 2h, 2w).

        make_skip: returns the skip, of that shape. It is called here, as a skip that the caller held would outlive
        its use: at full resolution it is one of the four tensors of this size that there are at the peak.
        """
        skip = make_skip()
        if faster_in_halves(skip, self.conv_block.conv1.conv.weight):
            y, residual = self._begin_in_halves(x, skip)
            del skip
        else:
            if torch.is_grad_enabled() or torch.compiler.is_compiling():
                joint = torch.cat((self.transp_conv(x), skip), dim=1)
                del skip
            else:  # one after the other into their place; a concatenation would hold both beside it
                width, joint = skip.shape[1], _with_room_in_front(skip)
                del skip
                joint[:, :width] = self.transp_conv(x)
            y, residual = self.conv_block.begin(joint)
            del joint
        return self.conv_block.end(y, residual)

    def _begin_in_halves(self, x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        """What the residual block begins with, without ever laying the two halves side by side."""
        block, width = self.conv_block, skip.shape[1]
        assert block.conv3 is not None
        up3, skip3 = block.conv1.conv.weight.split(width, dim=1)
        up1, skip1 = block.conv3.conv.weight.split(width, dim=1)
        up = self.transp_conv(x)
        y, residual = convolve3(up, up3), convolve1(up, up1)
        del up
        return add(y, convolve3(skip, skip3)), add(residual, convolve1(skip, skip1))


class OutBlock(nn.Module):
    """The logits: a 1x1x1 convolution with a bias."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvolutionLayer(in_channels, out_channels, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W) -> (batch, out_channels, D, H, W)."""
        return self.conv(x)


def _with_room_in_front(x: Tensor) -> Tensor:
    """(batch, 2 channels, D, H, W) in x's layout: x behind as many channels that are still to be written."""
    last = x.is_contiguous(memory_format=torch.channels_last_3d)
    layout = torch.channels_last_3d if last else torch.contiguous_format
    batch, width = x.shape[:2]
    joint = torch.empty(
        (batch, 2 * width, *x.shape[2:]), dtype=x.dtype, device=x.device, memory_format=layout
    )
    joint[:, width:] = x
    return joint
