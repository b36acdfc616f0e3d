"""UNETR: Hatamizadeh et al., arXiv 2103.10504, in MONAI's implementation."""

from __future__ import annotations

from monai.networks.nets.unetr import UNETR
from torch import Tensor, nn

from Training.networks.any_size import AnySize
from Training.networks.position_embedding import Grid, fit_positions

PATCH = 16
"""Side of a token, in voxels."""

MADE_FOR: Grid = (8, 8, 8)
"""Tokens of the 128^3 patches it is trained on: a position embedding for each."""


def unetr(in_channels: int, out_channels: int) -> nn.Module:
    """Return UNETR at the paper's sizes: ViT-B/16 (12 layers of 768), feature size 16."""
    return AnySize(
        _AnyGridUnetr(in_channels, out_channels, [PATCH * side for side in MADE_FOR]), stride=PATCH
    )


class _AnyGridUnetr(UNETR):
    """MONAI's UNETR, whose position embeddings and views follow the input: for its own size it is the same."""

    def forward(self, x: Tensor) -> Tensor:
        d, h, w = (side // PATCH for side in x.shape[2:])
        self.proj_view_shape = [d, h, w, self.hidden_size]
        embedding = self.vit.patch_embedding
        tokens = embedding.patch_embeddings(x).flatten(2).transpose(1, 2)  # (B, d h w, 768)
        tokens = tokens + fit_positions(embedding.position_embeddings, MADE_FOR, (d, h, w))

        hidden = []
        for block in self.vit.blocks:
            tokens = block(tokens)
            hidden.append(tokens)
        skips = [self.encoder1(x)]
        skips += [
            encoder(self.proj_feat(hidden[layer]))
            for encoder, layer in ((self.encoder2, 3), (self.encoder3, 6), (self.encoder4, 9))
        ]
        y = self.proj_feat(self.vit.norm(tokens))
        for decoder in (self.decoder5, self.decoder4, self.decoder3, self.decoder2):
            y = decoder(y, skips.pop())
        return self.out(y)
