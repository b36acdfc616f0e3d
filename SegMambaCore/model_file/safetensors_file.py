"""One trained network in one file: fp16 tensors, and in the header what they are and a checksum.

The header's metadata hold "spec" (the ModelSpec as JSON) and "sha256" (over the spec, the table of the tensors and
their bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.checksum import model_digest, read_checked_spec
from SegMambaCore.model_file.header import parse_header
from SegMambaCore.model_file.spec import SEGMAMBA_NETWORKS, ModelSpec
from SegMambaCore.model_file.state_dict import difference
from SegMambaCore.network.build import build_network
from SegMambaCore.whole_file import write_whole_file


def write_model(network: nn.Module, spec: ModelSpec, path: Path) -> None:
    """Write the network's tensors with their spec; a file at that path is replaced in one step.

    Numbers with a fraction are written as fp16; whole ones, such as tables of indices, as they are.

    Raises ValueError when a weight does not fit into fp16, SegMambaError when the file cannot be written.
    """
    tensors = {
        name: _halved(tensor.detach().cpu()).contiguous() for name, tensor in network.state_dict().items()
    }
    too_large = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if too_large:
        raise ValueError(f"Not finite in fp16: {', '.join(too_large)}")
    bare = save(tensors)
    spec_text = spec.to_json()
    digest = model_digest(spec_text, parse_header(bare, path), bare)
    write_whole_file(path, save(tensors, {"spec": spec_text, "sha256": digest}))


def read_model(
    path: Path,
    build: Callable[[str, int, int], nn.Module] = build_network,
    networks: Collection[str] = SEGMAMBA_NETWORKS,
) -> tuple[nn.Module, ModelSpec]:
    """Return the network in float32, in evaluation mode, on the CPU, with its spec.

    build: makes a network from its name and the numbers of its input channels and outputs. networks: the names it
        knows. Both are for files of networks that SegMambaCore does not have.

    Raises SegMambaError naming the file when it is absent, not a model file, truncated, altered, or holds
    other tensors than its network.
    """
    spec, data = read_checked_spec(path, networks)
    try:
        tensors = {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in load(data).items()
        }
    except SafetensorError as error:
        raise SegMambaError(f"Model {path}: not a valid safetensors file ({error}).") from error
    network = build(spec.network, len(spec.channels), len(spec.outputs))
    differs = difference(network.state_dict(), tensors)
    if differs:
        raise SegMambaError(f"Model {path}: not the weights of network {spec.network}: {differs}.")
    network.load_state_dict(tensors)
    return network.eval(), spec


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
