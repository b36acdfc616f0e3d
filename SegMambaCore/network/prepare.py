"""A network as inference wants it: weights cast once to the number format it computes in, nothing left to repeat."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor, nn

from SegMambaCore.network.gated_spatial_convolution import GatedSpatialConvolution
from SegMambaCore.network.mamba_layer import MambaLayer
from SegMambaCore.network.segmamba import SegMamba

Network = TypeVar("Network", bound=nn.Module)

_IN_FLOAT32 = re.compile(r"\.(A_log|A_[bs]_log|D(_[bs])?|conv1d(_[bs])?\.\w+|dt_proj(_[bs])?\.bias)$")
"""What the scan and the convolution in front of it take in float32, however narrow their tokens are."""

_CAST_BY_LAYER = re.compile(r"\.(x_proj|dt_proj)(_[bs])?\.weight$")
"""What is multiplied with each other first, see `MambaLayer.fix`."""


def prepared(network: SegMamba, device: torch.device, dtype: torch.dtype) -> SegMamba:
    """Return a copy for inference on a device, which takes inputs of a number format and computes in it.

    Autocast would cast the weights again in every pass. The network itself stays as it is and where it is. The copy's
    state dictionary lacks what has no effect on the output.
    """

    def type_of(name: str, tensor: Tensor) -> torch.dtype:
        exact = _IN_FLOAT32.search(name) or _CAST_BY_LAYER.search(name)
        return torch.promote_types(dtype, torch.float32) if exact else dtype

    ready = copy_onto(network, device, type_of)
    for module in ready.modules():
        if isinstance(module, MambaLayer):
            module.fix(dtype)
        if isinstance(module, GatedSpatialConvolution):
            module.drop_biases()
    return ready


def copy_onto(
    network: Network, device: torch.device, type_of: Callable[[str, Tensor], torch.dtype]
) -> Network:
    """Return a copy on a device, channels last, for inference alone. type_of: each parameter's or buffer's type."""
    copies: dict[int, object] = {}
    for name, tensor in chain(network.named_parameters(), network.named_buffers()):
        there = tensor.detach().to(device, type_of(name, tensor), copy=True)
        is_parameter = isinstance(tensor, nn.Parameter)
        copies[id(tensor)] = nn.Parameter(there, requires_grad=False) if is_parameter else there
    # Told of the tensors' copies, deepcopy makes none of its own: nothing lies in memory twice.
    ready = copy.deepcopy(network, copies)
    return ready.to(memory_format=torch.channels_last_3d).eval()  # type: ignore[call-overload]
