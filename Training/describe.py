"""What a network costs: its parameters, and the operations of one forward pass, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from Training.networks.registry import NETWORKS, NetworkName, build_network

PATCH = (128, 128, 128)
CHANNELS = 4


@dataclass(frozen=True)
class Description:
    """A network with CHANNELS inputs and 4 outputs.

    parameters: those that are trained. macs: multiply-adds of one PATCH.
    """

    name: NetworkName
    title: str
    source: str
    parameters: int
    macs: int


def describe(names: Iterable[NetworkName] = tuple(NETWORKS)) -> Iterator[Description]:
    """Yield a description of each network, as soon as it is known.

    Raises SegMambaError when a network's package is not installed.
    """
    for name in names:
        entry = NETWORKS[name]
        network = build_network(name, CHANNELS, 4)
        parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
        yield Description(name, entry.title, entry.source, parameters, count_macs(network))


def count_macs(network: nn.Module) -> int:
    """Return the multiply-adds of a PATCH in convolutions, linear layers and products of attention.

    PyTorch's counter follows the operators, on tensors that have shapes but no values; the network's own tensors are
    given up for that. Norms, activations and SegMamba's scan are not counted.
    """
    network = network.to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, CHANNELS, *PATCH, device="meta"))
    return counter.get_total_flops() // 2


def markdown_table(descriptions: Iterable[Description]) -> Iterator[str]:
    """Yield the lines of a Markdown table, one network a line."""
    size = " x ".join(map(str, PATCH))
    yield f"| network | name in a configuration | from | parameters, M | GMACs, {CHANNELS} x {size} |"
    yield "| --- | --- | --- | ---: | ---: |"
    for d in descriptions:
        yield f"| {d.title} | `{d.name}` | {d.source} | {d.parameters / 1e6:.2f} | {d.macs / 1e9:.0f} |"
