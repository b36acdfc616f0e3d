"""The least that a computation has to do, and the time it would take a machine that does nothing else.

What counts are convolutions, matrix products and scans: each reads what it is given and writes what it returns once.
Norms, activations, residuals and concatenations count as nothing, since they could be part of what stands beside
them. Each step takes the longest of its bytes, its operations and its exponentials, and the steps follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.network.mamba_layer import MambaLayer


@dataclass(frozen=True)
class Work:
    """One step. bytes: read and written. operations: of matrices, a multiplication and an addition are two."""

    bytes: float
    operations: float = 0.0
    exponentials: float = 0.0


def lower_bound_ms(steps: list[Work], machine: Machine) -> float:
    """Return the milliseconds below which the machine cannot do these steps one after another."""
    return 1000 * sum(_seconds(step, machine) for step in steps)


def scan_work(
    batch: int, length: int, channels: int, state: int, size: int, *, softplus: bool, backward: bool = False
) -> Work:
    """One direction of the scan. size: bytes a number.

    Forward: u, dt, B, C are read, y is written. Backward: those and y's gradient are read, four gradients are
    written. Either way every state of every token and channel needs its decay, an exponential, once; a
    softplus is an exponential and a logarithm, which costs the same.
    """
    tokens = batch * length
    wide, narrow = (5, 4) if backward else (3, 2)
    return Work(
        bytes=size * tokens * (wide * channels + narrow * state),
        exponentials=tokens * channels * (state + (2 if softplus else 0)),
    )


def count_work(call: Callable[[], object], network: nn.Module, *, training: bool = False) -> list[Work]:
    """Run the call and return what the network does in it. training: whether the call goes backward too.

    Not inside torch.inference_mode, where operators arrive whole.
    """
    steps: list[Work] = []
    with _scans_counted(network, steps, training), _Counter(steps):
        call()
    return steps


class _Counter(TorchDispatchMode):
    """Sees every operator below autograd and autocast, with the tensors it really gets."""

    def __init__(self, steps: list[Work]) -> None:
        super().__init__()
        self._steps = steps

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        operations = _operations(func, args, kwargs or {}, out)
        if operations is not None:
            tensors = [leaf for leaf in tree_leaves((args, out)) if isinstance(leaf, Tensor)]
            self._steps.append(Work(sum(t.numel() * t.element_size() for t in tensors), operations))
        return out


def _operations(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> float | None:
    """Of a convolution or a matrix product; None of anything else."""
    if func._schema.name == "segmamba::convolve3":
        return 2.0 * 27 * args[0].shape[1] * out.numel()
    if func._schema.name == "segmamba::convolve3_weights_gradient":
        return 2.0 * 27 * args[0].shape[1] * args[1].numel()
    formula = flop_registry.get(func._overloadpacket)
    return None if formula is None else float(formula(*args, **kwargs, out_val=out))


@contextmanager
def _scans_counted(network: nn.Module, steps: list[Work], training: bool) -> Iterator[None]:
    """Every Mamba layer adds its directions, whichever back end scans."""
    layers = [module for module in network.modules() if isinstance(module, MambaLayer)]
    hooks = [layer.register_forward_hook(partial(_add_scans, steps, training)) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _add_scans(
    steps: list[Work], training: bool, layer: MambaLayer, inputs: tuple[Any, ...], _output: Tensor
) -> None:
    tokens: Tensor = inputs[0]
    kind = tokens.device.type
    half = torch.is_autocast_enabled(kind)
    size = torch.get_autocast_dtype(kind).itemsize if half else tokens.element_size()
    batch, length, _ = tokens.shape
    channels = layer.in_proj.out_features // 2
    for backward in (False, True) if training else (False,):
        scan = scan_work(batch, length, channels, layer.d_state, size, softplus=True, backward=backward)
        steps += [scan] * len(layer.directions)


def _seconds(step: Work, machine: Machine) -> float:
    return max(
        step.bytes / machine.copy_bytes,
        step.operations / machine.matrix_operations,
        step.exponentials / machine.exponentials if machine.exponentials else 0.0,
    )
