"""The average of the weights over the last part of the training."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class WeightAverage:
    """An exponential moving average of a network's parameters, held in `network`.

    decay: its memory is about 1 / (1 - decay) steps; shorter at the beginning, so that it forgets the
        initialisation.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        self._averaged: list[Tensor] = list(self.network.parameters())

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards the network's present parameters after the step-th step."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averaged, list(network.parameters()), 1 - decay)
