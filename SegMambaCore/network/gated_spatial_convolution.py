"""The gated spatial convolution in front of a stage's Mamba blocks."""

from __future__ import annotations

from torch import Tensor, nn

from SegMambaCore.network.convolution1 import Convolution1
from SegMambaCore.network.convolution3 import Convolution3
from SegMambaCore.network.instance_norm import add, norm_act


class GatedSpatialConvolution(nn.Module):
    """GSC: paper section 3.3, equation (3), GSC(z) = z + C3x3x3(C3x3x3(z) . C1x1x1(z)).

    The public code differs, and this follows it: the two branches are added instead of multiplied, the 3x3x3
    branch has two convolutions, the last convolution is 1x1x1, and each is followed by instance norm and ReLU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = Convolution3(channels, channels)
        self.proj2 = Convolution3(channels, channels)
        self.proj3 = Convolution1(channels, channels)
        self.proj4 = Convolution1(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, channels, D, H, W); returns the same shape."""
        spatial = norm_act(self.proj2(norm_act(self.proj(x), slope=0.0)), slope=0.0)
        gate = norm_act(self.proj3(x), slope=0.0)
        return add(norm_act(self.proj4(add(spatial, gate)), slope=0.0), x)

    def drop_biases(self) -> None:
        """Leave out what the norm behind every convolution takes away again. For inference only."""
        for convolution in (self.proj, self.proj2, self.proj3, self.proj4):
            convolution.register_parameter("bias", None)
