"""The network that a training begins with: at random, or with the weights of a model file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from SegMambaCore.errors import SegMambaError
from Training.config import Config
from Training.deep_supervision import AuxiliaryHeads
from Training.model_spec import OUTPUTS
from Training.networks.model_file import read_model
from Training.networks.registry import build_network


@dataclass
class StartingNetwork:
    """network: on the device, channels last. history: what to say of earlier trainings; cases: what those have seen."""

    network: nn.Module
    history: str = ""
    cases: set[str] = field(default_factory=set)


def starting_network(config: Config, start: Path | None, device: torch.device) -> StartingNetwork:
    """Build the network of a configuration, with the weights of the model file `start` if one is given.

    Raises SegMambaError when that file cannot be read or holds another kind of model.
    """
    network = build_network(config.network, 4, len(OUTPUTS[config.activation]))
    begun = StartingNetwork(network)
    if start is not None:
        earlier, spec = read_model(start)
        if (spec.network, spec.activation) != (config.network, config.activation):
            raise SegMambaError(
                f"{start}: holds network {spec.network} with {spec.activation}, the configuration wants "
                f"{config.network} with {config.activation}. Start with a model of that kind."
            )
        network.load_state_dict(earlier.state_dict())
        begun.history = f"; begun with the weights of {spec.name} ({spec.training})"
        begun.cases = set(spec.cases)
    begun.network = network.to(device=device, memory_format=torch.channels_last_3d).train()  # type: ignore[call-overload]
    return begun


def with_heads(network: nn.Module, config: Config) -> nn.Module:
    """Return what the steps train: the network, with auxiliary heads where they are wanted."""
    if not config.deep_supervision:
        return network
    device = next(network.parameters()).device
    heads = AuxiliaryHeads(network, 4, len(OUTPUTS[config.activation]), config.deep_supervision)
    return heads.to(device).train()
