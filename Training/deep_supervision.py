"""Losses on the coarser levels of a decoder, through heads that exist in training alone.

After Lee et al., arXiv 1409.5185, as nnU-Net does it. The heads stand beside the network, which keeps its names and is
stored without them.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SegMambaCore.errors import SegMambaError
from SegMambaCore.network.segmamba import SegMamba
from Training.config import Loss
from Training.losses import segmentation_loss
from Training.model_spec import Activation

_SIDE = 64  # of the input on which the widths of the levels are found


class AuxiliaryHeads(nn.Module):
    """A network with a 1x1x1 convolution on each coarser level of its decoder.

    network: SegMamba, or the DynUNet of the registry; its own output is unchanged.
    weight: of a level's loss relative to the next finer one's.
    Raises SegMambaError for a network whose decoder is not known here.
    """

    def __init__(self, network: nn.Module, in_channels: int, out_channels: int, weight: float) -> None:
        super().__init__()
        self.network = network
        self.weight = weight
        widths = _widths(network, in_channels)
        self.heads = nn.ModuleList(nn.Conv3d(width, out_channels, 1) for width in widths)
        self._features: list[Tensor] = []
        for level in _levels(network):
            level.register_forward_hook(self._keep)

    def forward(self, x: Tensor) -> list[Tensor]:
        """x: (B, in_channels, D, H, W), sides multiples of the network's stride.

        Returns logits at full resolution, then at a half, a quarter and so on.
        """
        self._features.clear()
        logits = [self.network(x)]
        # Decoders go from coarse to fine; the heads are listed from fine to coarse.
        features = reversed(self._features)
        logits += [head(feature) for head, feature in zip(self.heads, features, strict=True)]
        self._features.clear()
        return logits

    def _keep(self, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if self.training:
            self._features.append(output)


def supervised_loss(
    logits: list[Tensor], labels: Tensor, activation: Activation, settings: Loss, weight: float
) -> Tensor:
    """Return the weighted mean of the levels' losses: weights 1, `weight`, `weight` squared and so on.

    labels: (B, 1, D, H, W) at full resolution; a coarser level is compared with the label at the middle of each of its
    voxels. The Dice fraction's added voxels shrink with the level's number of voxels.
    """
    total, weights = torch.zeros((), device=labels.device), 0.0
    for number, level in enumerate(logits):
        share = level[0, 0].numel() / labels[0, 0].numel()
        target = F.interpolate(labels.float(), size=level.shape[2:], mode="nearest-exact")
        of_level = replace(settings, dice_smooth=settings.dice_smooth * share)
        total = total + weight**number * segmentation_loss(level, target, activation, of_level)
        weights += weight**number
    return total / weights


def _levels(network: nn.Module) -> list[nn.Module]:
    """The decoder's levels below full resolution, from coarse to fine."""
    if isinstance(network, SegMamba):
        return [network.decoder5, network.decoder4, network.decoder3]
    upsamples = getattr(getattr(network, "network", None), "upsamples", None)
    if isinstance(upsamples, nn.ModuleList):
        return list(upsamples)[:-1]
    raise SegMambaError(
        f"deep_supervision: the decoder of {type(network).__name__} is not known. Set deep_supervision to 0 for it."
    )


def _widths(network: nn.Module, in_channels: int) -> list[int]:
    """Channels of the levels, from fine to coarse, found without computing anything."""
    network = deepcopy(network).to("meta")
    widths: list[int] = []
    for level in _levels(network):
        level.register_forward_hook(lambda _module, _inputs, output: widths.append(output.shape[1]))
    network(torch.empty(1, in_channels, *(_SIDE,) * 3, device="meta"))
    return widths[::-1]
