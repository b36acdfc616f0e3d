"""SegMamba: a Mamba encoder and a convolutional decoder, joined in a U."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from SegMambaCore.network.convolution_blocks import BasicBlock, OutBlock, UpBlock
from SegMambaCore.network.encoder import PaperEncoder, TomEncoder

STRIDE = 16
"""Side lengths inside the network are multiples of this: four halvings."""


class SegMamba(nn.Module):
    """The network of paper figure 1, with residual and up-sampling blocks as in the public code, which takes MONAI's.

    encoder: "tom" (today's public code) or "paper" (version 1 of the paper).
    widths: channels of the four stages; the first is also the width at full resolution.
    hidden: channels at the bottom of the U.
    """

    def __init__(
        self,
        encoder: str,
        in_channels: int,
        out_channels: int,
        widths: tuple[int, int, int, int],
        hidden: int,
    ) -> None:
        super().__init__()
        make_encoder = {"tom": TomEncoder, "paper": PaperEncoder}[encoder]
        w1, w2, w3, w4 = widths
        self.vit = make_encoder(in_channels, widths)
        self.encoder1 = BasicBlock(in_channels, w1)
        self.encoder2 = BasicBlock(w1, w2)
        self.encoder3 = BasicBlock(w2, w3)
        self.encoder4 = BasicBlock(w3, w4)
        self.encoder5 = BasicBlock(w4, hidden)
        self.decoder5 = UpBlock(hidden, w4)
        self.decoder4 = UpBlock(w4, w3)
        self.decoder3 = UpBlock(w3, w2)
        self.decoder2 = UpBlock(w2, w1)
        self.decoder1 = BasicBlock(w1, w1)
        self.out = OutBlock(w1, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W), any size; returns logits (batch, out_channels, D, H, W).

        Sizes that 16 does not divide are padded with zeros at the far ends, and the logits cropped back. D is the
        axis whose planes are the slices of the inter-slice scan.
        """
        size = x.shape[2:]
        x = _pad(x)
        # Each skip is made where it is needed and nowhere held longer, see `UpBlock.forward`.
        skips = self.vit(x)
        y = self.encoder5(skips.pop())
        y = self.decoder5(y, lambda: self.encoder4(skips.pop()))
        y = self.decoder4(y, lambda: self.encoder3(skips.pop()))
        y = self.decoder3(y, lambda: self.encoder2(skips.pop()))
        y = self.decoder2(y, lambda: self.encoder1(x))
        logits = self.out(self.decoder1(y))
        return logits[..., : size[0], : size[1], : size[2]]


def _pad(x: Tensor) -> Tensor:
    """To multiples of 16, and at least 32: instance norm needs more than one voxel at the bottom of the U."""
    target = [max(2 * STRIDE, -(-n // STRIDE) * STRIDE) for n in x.shape[2:]]
    (d, h, w), (td, th, tw) = x.shape[2:], target
    if (d, h, w) == (td, th, tw):
        return x
    return F.pad(x, (0, tw - w, 0, th - h, 0, td - d))
