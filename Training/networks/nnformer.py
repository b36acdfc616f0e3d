"""nnFormer: Zhou et al., "Volumetric Medical Image Segmentation via a 3D Transformer", arXiv 2109.03201.

A U of windowed attention: convolutions embed 4^3 voxels in a token, four stages of two blocks halve the resolution
between them, three stages bring it back, and where a U-Net concatenates, "skip attention" asks the encoder's features.
Windows are 4^3 tokens; from the third stage on they hold the whole of a 128^3 patch ("global" attention). Published:
about 149 M parameters.

Decided here, where the paper leaves room:
- width 192 and 6, 12, 24, 48 heads in the four stages: with the 96 of Swin-T it would have 38 M.
- skip attention has no projection of the queries: they are the upsampled features themselves, keys and values come from
  the encoder's; the residual goes around upsampled plus encoder's features.
- two halvings in the embedding, each a convolution of kernel 3 and stride 2 followed by one of stride 1, with GELU and
  layer norm between; halving between stages by layer norm and a convolution of kernel 3; doubling by layer norm and a
  transposed convolution; the logits by a transposed convolution of kernel 4.
- blocks as MONAI's Swin transformer has them, with relative position bias; stochastic depth up to 0.2.
- deep supervision is left out: the same loss for all networks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from monai.networks.layers.drop_path import DropPath
from monai.networks.nets.swin_unetr import (
    BasicLayer,
    SwinTransformerBlock,
    WindowAttention,
    compute_mask,
    get_window_size,
    window_partition,
    window_reverse,
)
from torch import Tensor, nn
from torch.nn import functional as F

from Training.networks.any_size import AnySize
from Training.networks.channel_norm import ChannelNorm

WIDTHS = (192, 384, 768, 1536)
HEADS = (6, 12, 24, 48)
WINDOWS = (4, 4, 8, 4)
"""Side of a stage's windows, in tokens."""

DROP_PATH = 0.2
"""Of the last block; the first is never left out."""


def nnformer(in_channels: int, out_channels: int) -> nn.Module:
    """Return nnFormer at the size of the paper's brain tumour experiment."""
    return AnySize(NnFormer(in_channels, out_channels), stride=32)


class NnFormer(nn.Module):
    """Sides are multiples of 32."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            *_embedding(in_channels, WIDTHS[0] // 2), *_embedding(WIDTHS[0] // 2, WIDTHS[0])[:-2]
        )
        self.embed_norm = ChannelNorm(WIDTHS[0])
        self.stages = nn.ModuleList(
            BasicLayer(width, 2, heads, (window,) * 3, drop_path=_drop_paths(2 * stage, 8), qkv_bias=True)
            for stage, (width, heads, window) in enumerate(zip(WIDTHS, HEADS, WINDOWS, strict=True))
        )
        self.norms = nn.ModuleList(ChannelNorm(width) for width in WIDTHS)
        self.downs = nn.ModuleList(
            nn.Sequential(ChannelNorm(a), nn.Conv3d(a, b, kernel_size=3, stride=2, padding=1))
            for a, b in pairwise(WIDTHS)
        )
        self.ups = nn.ModuleList(
            nn.Sequential(ChannelNorm(b), nn.ConvTranspose3d(b, a, kernel_size=2, stride=2))
            for a, b in reversed(list(pairwise(WIDTHS)))
        )
        levels = list(zip(WIDTHS, HEADS, WINDOWS, strict=True))[-2::-1]
        self.decoders = nn.ModuleList(
            _DecoderStage(width, heads, window, _drop_paths(2 * stage, 6))
            for stage, (width, heads, window) in enumerate(levels)
        )
        self.out = nn.ConvTranspose3d(WIDTHS[0], out_channels, kernel_size=4, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, in_channels, D, H, W) -> logits (B, out_channels, D, H, W)."""
        x = self.embed_norm(self.embed(x))  # (B, 192, D/4, ...)
        skips = []
        for level, (stage, norm) in enumerate(zip(self.stages, self.norms, strict=True)):
            x = stage(x.contiguous())
            skips.append(norm(x))  # (B, 192, D/4, ...), ..., (B, 1536, D/32, ...)
            if level < len(self.downs):
                x = self.downs[level](x)
        y = skips.pop()
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            y = decoder(up(y), skips.pop())
        return self.out(y)


def _embedding(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Half the resolution: two convolutions, GELU and layer norm after each."""
    return [
        nn.Conv3d(in_channels, out_channels, kernel_size=3, stride=2, padding=1),
        nn.GELU(),
        ChannelNorm(out_channels),
        nn.Conv3d(out_channels, out_channels, kernel_size=3, padding=1),
        nn.GELU(),
        ChannelNorm(out_channels),
    ]


def _drop_paths(first: int, blocks: int) -> list[float]:
    """Of two successive blocks among all `blocks` of an encoder or decoder: they rise from 0 to DROP_PATH."""
    return [DROP_PATH * block / (blocks - 1) for block in (first, first + 1)]


class _DecoderStage(nn.Module):
    """Skip attention, then a block of self-attention in shifted windows."""

    def __init__(self, width: int, heads: int, window: int, drop_paths: list[float]) -> None:
        super().__init__()
        self.skip_attention = SkipAttentionBlock(width, heads, window, drop_paths[0])
        sides, shift = (window,) * 3, (window // 2,) * 3
        self.self_attention = SwinTransformerBlock(width, heads, sides, shift, drop_path=drop_paths[1])

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Both (B, width, d, h, w) -> the same shape."""
        y = self.skip_attention(x.movedim(1, -1), skip.movedim(1, -1))  # (B, d, h, w, width) from here
        block = self.self_attention
        window, shift = get_window_size(y.shape[1:4], block.window_size, block.shift_size)
        whole = [-(-side // length) * length for side, length in zip(y.shape[1:4], window, strict=True)]
        return block(y, compute_mask(whole, window, shift, y.device)).movedim(-1, 1)


class SkipAttentionBlock(nn.Module):
    """A transformer block whose queries are the decoder's features and whose keys and values are the encoder's."""

    def __init__(self, width: int, heads: int, window: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = _SkipAttention(width, heads, (window,) * 3)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Both (B, d, h, w, width) -> the same shape."""
        batch, d, h, w, _ = x.shape
        window = get_window_size((d, h, w), self.attention.window_size)
        pad_d, pad_h, pad_w = (-side % length for side, length in zip((d, h, w), window, strict=True))

        def windows_of(features: Tensor) -> Tensor:
            padded = F.pad(self.norm1(features), (0, 0, 0, pad_w, 0, pad_h, 0, pad_d))
            return window_partition(padded.contiguous(), window)  # (windows, tokens, width)

        y = self.attention(windows_of(x), windows_of(skip))
        y = window_reverse(y, window, [batch, d + pad_d, h + pad_h, w + pad_w])[:, :d, :h, :w]
        y = x + skip + self.drop_path(y)
        return y + self.drop_path(self.mlp(self.norm2(y)))


class _SkipAttention(WindowAttention):
    """MONAI's attention within windows, with queries and keys from different features."""

    def __init__(self, width: int, heads: int, window: tuple[int, int, int]) -> None:
        super().__init__(width, heads, window)
        del self.qkv
        self.kv = nn.Linear(width, 2 * width)

    def forward(self, queries: Tensor, skip: Tensor) -> Tensor:
        """Both (windows, tokens, width) -> the same shape."""
        tokens = queries.shape[1]
        q = self._heads(queries)
        k, v = (self._heads(part) for part in self.kv(skip).chunk(2, dim=-1))
        table, index = self.relative_position_bias_table, cast(Tensor, self.relative_position_index)
        bias = table[index[:tokens, :tokens]].permute(2, 0, 1)  # (heads, tokens, tokens)
        attention = torch.softmax(q * self.scale @ k.transpose(-2, -1) + bias, dim=-1)
        return self.proj((attention.to(v.dtype) @ v).transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        """(windows, tokens, width) -> (windows, heads, tokens, width / heads)."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
