"""3D UX-Net: Lee et al., "A Large Kernel Volumetric ConvNet Modernizing Hierarchical Transformer", arXiv 2209.15076.

A U whose encoder is a Swin transformer with its attention replaced by 7^3 depth-wise convolutions, and whose decoder
is SwinUNETR's. Published: 53.0 M parameters.

Decided here, where the paper leaves room:
- "depth-wise scaling" widens and narrows every channel for itself (1x1x1 convolutions in as many groups as channels).
  This is what the paper's 53.0 M need: ordinary 1x1x1 convolutions would make it 56.2 M.
- the block is ConvNeXt's (arXiv 2201.03545): one layer norm, after the depth-wise convolution; one residual around all;
  a learned scale of each channel that starts at 1e-6; layer norms with eps 1e-6. Other orders have the same size.
- no stochastic depth.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from monai.networks.blocks.dynunet_block import UnetOutBlock
from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrUpBlock
from torch import Tensor, nn
from torch.nn import functional as F

from Training.networks.any_size import AnySize
from Training.networks.channel_norm import ChannelNorm

WIDTHS = (48, 96, 192, 384)
HIDDEN = 768
BLOCKS = 2
"""In each of the four stages."""

_EPS = 1e-6


def ux_net(in_channels: int, out_channels: int) -> nn.Module:
    """Return 3D UX-Net at the paper's size."""
    return AnySize(UxNet(in_channels, out_channels), stride=16)


class UxNet(nn.Module):
    """Sides are multiples of 16."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        w1, w2, w3, w4 = WIDTHS
        stem = nn.Sequential(
            nn.Conv3d(in_channels, w1, kernel_size=7, stride=2, padding=3), ChannelNorm(w1, _EPS)
        )
        downs = [
            nn.Sequential(ChannelNorm(narrow, _EPS), nn.Conv3d(narrow, wide, kernel_size=2, stride=2))
            for narrow, wide in pairwise(WIDTHS)
        ]
        self.downs = nn.ModuleList([stem, *downs])
        self.stages = nn.ModuleList(nn.Sequential(*(UxBlock(w) for _ in range(BLOCKS))) for w in WIDTHS)
        self.norms = nn.ModuleList(ChannelNorm(w, _EPS) for w in WIDTHS)

        widening = ((in_channels, w1), (w1, w2), (w2, w3), (w3, w4), (w4, HIDDEN))
        self.skips = nn.ModuleList(
            UnetrBasicBlock(3, a, b, 3, 1, "instance", res_block=True) for a, b in widening
        )
        narrowing = ((HIDDEN, w4), (w4, w3), (w3, w2), (w2, w1))
        self.ups = nn.ModuleList(
            UnetrUpBlock(3, a, b, 3, 2, "instance", res_block=True) for a, b in narrowing
        )
        self.last = UnetrBasicBlock(3, w1, w1, 3, 1, "instance", res_block=True)
        self.out = UnetOutBlock(3, w1, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, in_channels, D, H, W) -> logits (B, out_channels, D, H, W)."""
        features = [x]
        for down, stage, norm in zip(self.downs, self.stages, self.norms, strict=True):
            x = stage(down(x))  # (B, 48, D/2, ...), (B, 96, D/4, ...), ..., (B, 384, D/16, ...)
            features.append(norm(x))
        skips = [block(feature) for block, feature in zip(self.skips, features, strict=True)]
        y = skips.pop()  # (B, 768, D/16, ...)
        for up in self.ups:
            y = up(y, skips.pop())
        return self.out(self.last(y))


class UxBlock(nn.Module):
    """Large depth-wise convolution, then each channel widened to four and narrowed again, beside a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv3d(width, width, kernel_size=7, padding=3, groups=width)
        self.norm = ChannelNorm(width, _EPS)
        self.widen = nn.Conv3d(width, 4 * width, kernel_size=1, groups=width)
        self.narrow = nn.Conv3d(4 * width, width, kernel_size=1, groups=width)
        self.scale = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, width, D, H, W) -> the same shape."""
        y = self.narrow(F.gelu(self.widen(self.norm(self.depthwise(x)))))
        return x + self.scale[:, None, None, None] * y
