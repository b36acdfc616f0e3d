"""nnU-Net's residual encoder U-Net: Isensee et al., arXiv 2404.09556, from `dynamic-network-architectures`."""

from __future__ import annotations

from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet
from torch import nn

from Training.networks.any_size import AnySize


def resenc_m(in_channels: int, out_channels: int) -> nn.Module:
    """Return the network that nnU-Net's preset ResEnc M plans for BraTS: patch 128^3, six stages.

    Widths double from 32 and stop at 320, the encoder has 1, 3, 4, 6, 6, 6 residual blocks, the decoder one
    convolution a stage; initialised as nnU-Net does. Deep supervision is left out: the same loss for all.
    """
    network = ResidualEncoderUNet(
        input_channels=in_channels,
        n_stages=6,
        features_per_stage=(32, 64, 128, 256, 320, 320),
        conv_op=nn.Conv3d,
        kernel_sizes=3,
        strides=(1, 2, 2, 2, 2, 2),
        n_blocks_per_stage=(1, 3, 4, 6, 6, 6),
        num_classes=out_channels,
        n_conv_per_stage_decoder=(1, 1, 1, 1, 1),
        conv_bias=True,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    )
    network.apply(network.initialize)
    return AnySize(network, stride=32)
