"""DynUNet: nnU-Net's plain U-Net (Isensee et al., Nature Methods 2021) in MONAI's implementation."""

from __future__ import annotations

from monai.networks.nets.dynunet import DynUNet
from torch import nn

from Training.networks.any_size import AnySize


def dynunet(in_channels: int, out_channels: int) -> nn.Module:
    """Return the network that nnU-Net plans for BraTS: patch 128^3, six stages, kernels of 3.

    Widths double from 32 and stop at 320; instance norm with a learned scale and shift, leaky ReLU. Its auxiliary
    heads are those of `Training/deep_supervision.py`, as for every network.
    """
    network = DynUNet(
        spatial_dims=3,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=(3,) * 6,
        strides=(1, 2, 2, 2, 2, 2),
        upsample_kernel_size=(2,) * 5,
        filters=(32, 64, 128, 256, 320, 320),
        norm_name=("INSTANCE", {"affine": True}),
        deep_supervision=False,
    )
    # The layers are registered a second time through this chain: files would hold each tensor twice.
    chain = network.skip_layers
    del network.skip_layers
    object.__setattr__(network, "skip_layers", chain)
    return AnySize(network, stride=32)
