"""MedNeXt: Roy et al., arXiv 2303.09975, in MONAI's implementation."""

from __future__ import annotations

from typing import Literal

from monai.networks.nets.mednext import create_mednext
from torch import nn

from Training.networks.any_size import AnySize


def mednext(in_channels: int, out_channels: int, size: Literal["S", "B", "M", "L"]) -> nn.Module:
    """Return MedNeXt of one of the paper's four sizes, kernel 3, without deep supervision."""
    network = create_mednext(size, spatial_dims=3, in_channels=in_channels, out_channels=out_channels)
    return AnySize(network, stride=16)
