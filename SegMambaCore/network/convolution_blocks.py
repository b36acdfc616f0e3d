"""MONAI's residual and up-sampling blocks, with their norms fused to what follows them."""

from __future__ import annotations

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from monai.networks.blocks.unetr_block import UnetrUpBlock
from torch import Tensor, nn

from SegMambaCore.network.instance_norm import norm_act, norm_add_act

SLOPE = 0.01


class ResidualBlock(UnetResBlock):
    """Two 3x3x3 convolutions with instance norm and leaky ReLU beside a residual (1x1x1 where the width changes).

    The layers and their names are MONAI's; only the order of memory passes is ours.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(3, in_channels, out_channels, kernel_size=3, stride=1, norm_name="instance")

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W) -> (batch, out_channels, D, H, W)."""
        y = self.conv2(norm_act(self.conv1(x), SLOPE))
        if hasattr(self, "conv3"):
            return norm_add_act(y, self.conv3(x), norm_residual=True, slope=SLOPE)
        return norm_add_act(y, x, norm_residual=False, slope=SLOPE)


class BasicBlock(nn.Module):
    """A residual block under the name that MONAI's `UnetrBasicBlock` gives it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = ResidualBlock(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W) -> (batch, out_channels, D, H, W)."""
        return self.layer(x)


class UpBlock(UnetrUpBlock):
    """Transposed convolution to twice the resolution, the skip beside it, a residual block."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            3,
            in_channels,
            out_channels,
            kernel_size=3,
            upsample_kernel_size=2,
            norm_name="instance",
            res_block=True,
        )
        self.conv_block = ResidualBlock(2 * out_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """x: (batch, in_channels, d, h, w), skip: (batch, out_channels, 2d, 2h, 2w) -> the skip's shape."""
        return self.conv_block(torch.cat((self.transp_conv(x), skip), dim=1))
