"""Weights files of every network that is compared.

The format, its checksum and its reader are SegMambaCore's. A rival's file differs in the name of its network alone,
which SegMambaCore does not know: it refuses the file, and only this reader hands it the means to build the network. So
the product knows nothing of rivals, and a rival's weights cannot get into it by mistake.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from SegMambaCore.model_file import safetensors_file
from SegMambaCore.model_file.spec import ModelSpec
from Training.networks.registry import NETWORK_NAMES, build_network


def read_model(path: Path) -> tuple[nn.Module, ModelSpec]:
    """Return the network in float32, in evaluation mode, on the CPU, with its spec.

    Raises SegMambaError naming the file when it is absent, damaged, or of a network that is not in the registry.
    """
    return safetensors_file.read_model(path, build_network, NETWORK_NAMES)
