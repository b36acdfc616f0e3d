"""The loss of a training step, in the number format of the device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from Training.captured_step import Objective
from Training.config import Config
from Training.deep_supervision import AuxiliaryHeads, supervised_loss
from Training.losses import segmentation_loss


def objective_of(network: nn.Module, config: Config, device: torch.device) -> Objective:
    """Return the function from images and labels to the loss: bfloat16 autocast on CUDA, float32 elsewhere."""

    def objective(images: Tensor, labels: Tensor) -> Tensor:
        # A cast that is kept from step to step would be missing from a recorded one.
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda", cache_enabled=False):
            logits = network(images)
        if isinstance(network, AuxiliaryHeads):
            return supervised_loss(logits, labels, config.activation, config.loss, network.weight)
        return segmentation_loss(logits, labels, config.activation, config.loss)

    return objective
