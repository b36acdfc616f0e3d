"""TransBTS: Wang et al., "Multimodal Brain Tumor Segmentation Using Transformer", arXiv 2103.04430.

A convolutional encoder down to an eighth of the resolution, a transformer over all positions there, a convolutional
decoder with skips. Of the paper: 4 layers, 8 heads, width 512, a learned position embedding; 128 channels at an eighth;
features mapped back from 512 to 128 by a convolution block. Published: about 31.6 M parameters. Figures differ with the
patch: at 96^3 the position embedding is 1.2 M smaller than at the 128^3 that this one is made for.

Decided here, where the paper leaves room:
- widths 16, 32, 64, 128 with 1, 2, 2 and 4 pre-activated residual blocks, halved by convolutions of kernel 3, and an
  MLP of 4096 in the transformer, as the authors' code has them: the published size follows from these.
- the block that maps 512 channels back to 128 is one convolution of kernel 3 (the authors' code has a second, 0.4 M).
- group norm everywhere. The authors' code takes batch norm from the transformer on; a batch here is one or two patches,
  and the weights that are kept are averages over many steps, to which no running statistics would belong.
- dropout of 0.1 in the transformer, but not of attention weights, and of 0.2 of the channels after the first
  convolution, as in the authors' code.
- the decoder takes what the last layer puts out, without another norm; logits, no softmax.
- other sizes than 128^3 interpolate the position embedding.
"""

from __future__ import annotations

import torch
from monai.networks.blocks.convolutions import Convolution
from monai.networks.blocks.segresnet_block import ResBlock
from monai.networks.blocks.transformerblock import TransformerBlock
from torch import Tensor, nn

from Training.networks.any_size import AnySize
from Training.networks.position_embedding import Grid, fit_positions

WIDTHS = (16, 32, 64, 128)
BLOCKS = (1, 2, 2, 4)
HIDDEN = 512
LAYERS = 4
MADE_FOR: Grid = (16, 16, 16)
"""Tokens of the 128^3 patches it is trained on: a position embedding for each."""

_NORM = ("group", {"num_groups": 8})


def transbts(in_channels: int, out_channels: int) -> nn.Module:
    """Return TransBTS at the paper's size."""
    return AnySize(TransBts(in_channels, out_channels), stride=8)


class TransBts(nn.Module):
    """Sides are multiples of 8."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        widths = (in_channels, *WIDTHS)
        self.downs = nn.ModuleList(
            nn.Conv3d(a, b, kernel_size=3, stride=1 if level == 0 else 2, padding=1)
            for level, (a, b) in enumerate(zip(widths, WIDTHS, strict=False))
        )
        self.dropout = nn.Dropout3d(0.2)
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResBlock(3, width, _NORM) for _ in range(blocks)))
            for width, blocks in zip(WIDTHS, BLOCKS, strict=True)
        )
        bottom = WIDTHS[-1]
        self.to_tokens = nn.Sequential(
            nn.GroupNorm(8, bottom), nn.ReLU(), nn.Conv3d(bottom, HIDDEN, kernel_size=3, padding=1)
        )
        tokens = MADE_FOR[0] * MADE_FOR[1] * MADE_FOR[2]
        self.positions = nn.Parameter(torch.zeros(1, tokens, HIDDEN))
        self.layers = nn.Sequential(nn.Dropout(0.1), *(_transformer_layer() for _ in range(LAYERS)))
        self.from_tokens = _convolution(HIDDEN, bottom)
        self.bottom = _DecoderBlock(bottom)
        self.ups = nn.ModuleList(_Up(2 * width, width) for width in WIDTHS[-2::-1])
        self.out = nn.Conv3d(WIDTHS[0], out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, in_channels, D, H, W) -> logits (B, out_channels, D, H, W)."""
        skips = []
        for level, (down, stage) in enumerate(zip(self.downs, self.stages, strict=True)):
            x = down(x)
            x = stage(self.dropout(x) if level == 0 else x)
            skips.append(x)  # (B, 16, D, ...), (B, 32, D/2, ...), (B, 64, D/4, ...), (B, 128, D/8, ...)
        x = self.to_tokens(skips.pop())  # (B, 512, d, h, w)
        d, h, w = x.shape[2:]
        tokens = x.flatten(2).transpose(1, 2)  # (B, d h w, 512)
        tokens = self.layers(tokens + fit_positions(self.positions, MADE_FOR, (d, h, w)))
        y = tokens.transpose(1, 2).unflatten(2, (d, h, w))
        y = self.bottom(self.from_tokens(y))  # (B, 128, d, h, w)
        for up in self.ups:
            y = up(y, skips.pop())
        return self.out(y)


def _transformer_layer() -> nn.Module:
    layer = TransformerBlock(HIDDEN, 8 * HIDDEN, num_heads=8, dropout_rate=0.1, use_flash_attention=True)
    del layer.norm_cross_attn  # MONAI's block has its weights even where nothing uses them
    layer.attn.dropout_rate = 0.0  # with flash attention MONAI drops attention weights at inference, too
    return layer


def _convolution(in_channels: int, out_channels: int) -> nn.Module:
    """Convolution, norm, ReLU."""
    return Convolution(3, in_channels, out_channels, norm=_NORM, act="RELU", adn_ordering="NA")


class _DecoderBlock(nn.Module):
    """Two convolutions beside a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(_convolution(width, width), _convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.convolutions(x)


class _Up(nn.Module):
    """To half the width and twice the resolution, joined with the skip, then a decoder block."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.narrow = nn.Conv3d(in_channels, out_channels, kernel_size=1)
        self.up = nn.ConvTranspose3d(out_channels, out_channels, kernel_size=2, stride=2)
        self.join = nn.Conv3d(2 * out_channels, out_channels, kernel_size=1)
        self.block = _DecoderBlock(out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.block(self.join(torch.cat((skip, self.up(self.narrow(x))), dim=1)))
