"""SegResNet: Myronenko, arXiv 1810.11654, in MONAI's implementation."""

from __future__ import annotations

from monai.networks.nets.segresnet import SegResNet
from torch import nn

from Training.networks.any_size import AnySize


def segresnet(in_channels: int, out_channels: int, init_filters: int) -> nn.Module:
    """Return MONAI's SegResNet with the blocks of its BraTS bundle; the variational branch is left out.

    init_filters: 16 in that bundle; 32 as in the paper.
    """
    network = SegResNet(
        spatial_dims=3,
        init_filters=init_filters,
        in_channels=in_channels,
        out_channels=out_channels,
        blocks_down=(1, 2, 2, 4),
        blocks_up=(1, 1, 1),
    )
    return AnySize(network, stride=8)
