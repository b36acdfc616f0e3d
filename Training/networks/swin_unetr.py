"""SwinUNETR: Hatamizadeh et al., arXiv 2201.01266; SwinUNETR-V2: He et al., MICCAI 2023; both MONAI's."""

from __future__ import annotations

from monai.networks.nets.swin_unetr import SwinUNETR
from torch import nn

from Training.networks.any_size import AnySize


def swin_unetr(in_channels: int, out_channels: int, version: int) -> nn.Module:
    """Return SwinUNETR with feature size 48, as in both papers.

    version: 2 puts a residual convolution block before each stage's attention.
    """
    network = SwinUNETR(in_channels, out_channels, feature_size=48, use_v2=version == 2)
    return AnySize(network, stride=32)
