"""Learned position embeddings for other grids than the one they were made for."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

Grid = tuple[int, int, int]


def fit_positions(embedding: Tensor, made_for: Grid, wanted: Grid) -> Tensor:
    """Return embeddings (1, tokens, channels) for the wanted (D, H, W) grid of tokens, D slowest.

    On the grid they were made for they are returned as they are; otherwise interpolated linearly, the grids'
    outer faces on each other, as is usual where a vision transformer meets another resolution.
    """
    if made_for == wanted:
        return embedding
    volume = embedding.transpose(1, 2).reshape(1, -1, *made_for)
    fitted = F.interpolate(volume, size=wanted, mode="trilinear", align_corners=False)
    return fitted.flatten(2).transpose(1, 2)
