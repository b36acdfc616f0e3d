"""One direction of the scan: every back end that runs here, and the kernels of the package mamba_ssm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.benchmark.report import Report, Row, ratio
from SegMambaCore.benchmark.timing import time_call
from SegMambaCore.benchmark.work import lower_bound_ms, scan_work
from SegMambaCore.scan.selective_scan import BACKENDS, selective_scan, why_unavailable

STATE = 16
PACKAGE = "mamba_ssm package"
"""Its own function, in the layout it wants and with its own softplus; our back end `mamba_ssm` adapts to it."""


@dataclass(frozen=True)
class Stage:
    """One direction's shape. softplus: as the network calls it, softplus(dt + bias) standing for dt."""

    channels: int
    length: int
    softplus: bool = True
    batch: int = 1


STAGES = (
    Stage(96, 262144),
    Stage(96, 262144, softplus=False),
    Stage(192, 32768),
    Stage(384, 4096),
    Stage(768, 512),
    Stage(32, 262144),
)
"""The four stages of `tom` for 128^3, and the first one of `small`."""

CACHE_BYTES = 128e6
"""More than the caches of today's GPUs hold: the inputs take turns so that none of them is found there."""


def measure_scan(report: Report, machine: Machine, dtypes: list[torch.dtype], *, peers: bool) -> None:
    """Add the rows to the report. What cannot run here is named there with its reason."""
    backends = [backend for backend in BACKENDS if backend not in ("auto", "reference")]
    for stage in STAGES:
        for dtype in dtypes:
            inputs = _inputs(stage, dtype, machine.device)
            for backend in backends:
                reason = why_unavailable(backend, inputs[0][0], STATE, needs_grad=False)
                if reason is None:
                    scan = partial(selective_scan, backend=backend)  # type: ignore[arg-type]
                    report.rows.append(_row(backend, scan, stage, dtype, inputs, machine))
                else:
                    report.missing[backend] = reason
            if peers:
                _add_package(report, stage, dtype, inputs, machine)


def _add_package(
    report: Report, stage: Stage, dtype: torch.dtype, inputs: list[list[Tensor]], machine: Machine
) -> None:
    try:
        import selective_scan_cuda  # noqa: F401  without its kernel the package imports all the same
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
    except Exception as error:  # a package built for another torch fails with any type of error
        report.missing[PACKAGE] = str(error)
        return

    def scan(*tensors: Tensor) -> Tensor:
        bias = tensors[6] if stage.softplus else None
        return selective_scan_fn(*tensors[:6], delta_bias=bias, delta_softplus=stage.softplus)

    length_last = [[_length_last(t) if t.ndim == 3 else t for t in tensors] for tensors in inputs]
    report.rows.append(_row(PACKAGE, scan, stage, dtype, length_last, machine))


def _length_last(tensor: Tensor) -> Tensor:
    return tensor.detach().transpose(1, 2).contiguous().requires_grad_()


def _row(
    name: str,
    scan: Callable[..., Tensor],
    stage: Stage,
    dtype: torch.dtype,
    inputs: list[list[Tensor]],
    machine: Machine,
) -> Row:
    bounds = {
        backward: lower_bound_ms(
            [
                scan_work(
                    stage.batch,
                    stage.length,
                    stage.channels,
                    STATE,
                    dtype.itemsize,
                    softplus=stage.softplus,
                    backward=backward,
                )
            ],
            machine,
        )
        for backward in (False, True)
    }
    with torch.no_grad():
        forward = time_call(lambda i: scan(*inputs[i % len(inputs)]), machine.device)
    row: Row = {
        "back end": name,
        "channels": stage.channels,
        "tokens": stage.length,
        "batch": stage.batch,
        "dtype": str(dtype).removeprefix("torch."),
        "softplus": stage.softplus,
        "forward ms": forward.milliseconds,
        "spread": forward.spread,
        "bound ms": bounds[False],
        "x bound": ratio(forward.milliseconds, bounds[False]),
        "backward ms": None,
    }
    if name != "numba":
        backward = time_call(_backward_of(scan, inputs), machine.device)
        row |= {
            "backward ms": backward.milliseconds,
            "backward spread": backward.spread,
            "backward bound ms": bounds[True],
            "backward x bound": ratio(backward.milliseconds, bounds[True]),
        }
    return row


def _backward_of(scan: Callable[..., Tensor], inputs: list[list[Tensor]]) -> Callable[[int], object]:
    """The gradients alone, of one forward pass for each set of inputs."""
    graphs = []
    for tensors in inputs:
        y = scan(*tensors)
        graphs.append((y, tensors, torch.randn_like(y)))

    def backward(number: int) -> object:
        y, of, dy = graphs[number % len(graphs)]
        return torch.autograd.grad(y, of, dy, retain_graph=True)

    return backward


def _inputs(stage: Stage, dtype: torch.dtype, device: str) -> list[list[Tensor]]:
    """u, dt, A, B, C, D, dt_bias where softplus is wanted, several times over with other numbers."""
    bytes_of_one = scan_work(
        stage.batch, stage.length, stage.channels, STATE, dtype.itemsize, softplus=False
    ).bytes
    copies = int(min(max(CACHE_BYTES / bytes_of_one, 2), 8))
    generator = torch.Generator(device).manual_seed(0)
    return [_one_input(stage, dtype, device, generator) for _ in range(copies)]


def _one_input(stage: Stage, dtype: torch.dtype, device: str, generator: torch.Generator) -> list[Tensor]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    wide = (stage.batch, stage.length, stage.channels)
    narrow = (stage.batch, stage.length, STATE)
    steps = normal(*wide) if stage.softplus else F.softplus(normal(*wide) - 4)
    tensors: list[Tensor] = [
        normal(*wide).to(dtype),
        steps.to(dtype),
        -torch.arange(1.0, STATE + 1, device=device).repeat(stage.channels, 1),
        normal(*narrow).to(dtype),
        normal(*narrow).to(dtype),
        torch.ones(stage.channels, device=device),
    ]
    if stage.softplus:
        tensors.append(normal(stage.channels) - 4)
    return [t.requires_grad_() for t in tensors]
