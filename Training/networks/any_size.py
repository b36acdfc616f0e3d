"""Inputs of any size for a network that wants multiples of its stride."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class AnySize(nn.Module):
    """Pads with zeros (background) at the far ends to what the network wants, and crops its logits back.

    stride: sides must be multiples of this.
    """

    def __init__(self, network: nn.Module, stride: int) -> None:
        super().__init__()
        self.network = network
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, in_channels, D, H, W), any size; returns logits (batch, out_channels, D, H, W)."""
        d, h, w = x.shape[2:]
        td, th, tw = (-(-side // self.stride) * self.stride for side in (d, h, w))
        if td == th == tw == self.stride:
            tw *= 2  # instance norm needs more than one voxel at the bottom of the U
        if (td, th, tw) != (d, h, w):
            x = F.pad(x, (0, tw - w, 0, th - h, 0, td - d))
        return self.network(x)[..., :d, :h, :w]
