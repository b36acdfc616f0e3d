"""One forward pass of whole networks: ours, launched one by one and as a CUDA graph, and the peers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.benchmark.peers import BASELINE, make_peers
from SegMambaCore.benchmark.report import Report, Row, ratio
from SegMambaCore.benchmark.timing import peak_memory_gb, time_call
from SegMambaCore.benchmark.work import count_work, lower_bound_ms
from SegMambaCore.network.build import build_network

Size = tuple[int, int, int]

OURS = ("small", "tom", "paper")
LARGE_BATCH = 8
"""Windows in one pass of the network, where the GPU has room."""


def measure_networks(report: Report, machine: Machine, size: Size, *, peers: bool) -> None:
    """Add the rows to the report; with peers, each as a multiple of SegResNet with 16 filters too."""
    on_gpu = machine.device.startswith("cuda")
    if peers:
        for name, network in make_peers(report.missing):
            prepared = network.eval().to(machine.device)
            # They are published for either layout; the faster one counts.
            rows = [_row(report, machine, name, prepared, size, layout=layout) for layout in _LAYOUTS]
            report.rows.append(min(rows, key=lambda row: row["ms"] or float("inf")))
            _release()
    for name in OURS:
        network = prepare(build_network(name), machine.device)
        bound = network_bound_ms(network, machine, size)
        report.rows.append(_row(report, machine, name, network, size, bound=bound))
        if on_gpu:
            report.rows.append(_row(report, machine, name, network, size, bound=bound, graph=True))
            of_batch = _row(
                report, machine, name, network, size, batch=LARGE_BATCH, bound=bound * LARGE_BATCH
            )
            report.rows.append(of_batch)
        del network
        _release()
    baseline = next((row["ms"] for row in report.rows if row["network"] == BASELINE), None)
    for row in report.rows if baseline else []:
        row[f"x {BASELINE}"] = ratio(row["ms"] / row["batch"], baseline) if row["ms"] else None


def prepare(network: nn.Module, device: str) -> nn.Module:
    """Return the network as inference runs it: evaluated, channels last."""
    return network.eval().to(device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def inputs_of(size: Size, device: str, batch: int = 1, count: int = 2) -> list[Tensor]:
    """Return random volumes (batch, 4, D, H, W), channels last."""
    return [
        torch.randn(batch, 4, *size, device=device).contiguous(memory_format=torch.channels_last_3d)
        for _ in range(count)
    ]


def autocast(device: str) -> Any:
    """float16 on CUDA, as inference computes; float32 elsewhere. A cast that is kept would miss from a graph."""
    return torch.autocast("cuda", torch.float16, cache_enabled=False) if _on_gpu(device) else nullcontext()


def network_bound_ms(network: nn.Module, machine: Machine, size: Size) -> float:
    """Return the lower bound of a forward pass at batch 1, see `work.py`."""
    with torch.no_grad(), autocast(machine.device):
        steps = count_work(lambda: network(inputs_of(size, machine.device, count=1)[0]), network)
    return lower_bound_ms(steps, machine)


_LAYOUTS = (torch.channels_last_3d, torch.contiguous_format)


def _row(
    report: Report,
    machine: Machine,
    name: str,
    network: nn.Module,
    size: Size,
    *,
    batch: int = 1,
    bound: float | None = None,
    graph: bool = False,
    layout: torch.memory_format = torch.channels_last_3d,
) -> Row:
    device = machine.device
    row: Row = {
        "network": name,
        "parameters M": round(sum(p.numel() for p in network.parameters()) / 1e6, 2),
        "how": "graph" if graph else "eager",
        "layout": "channels last" if layout == torch.channels_last_3d else "contiguous",
        "batch": batch,
        "size": " x ".join(map(str, size)),
        "ms": None,
    }
    try:
        network = network.to(memory_format=layout)  # type: ignore[call-overload]
        inputs = [x.contiguous(memory_format=layout) for x in inputs_of(size, device, batch)]
        with torch.inference_mode(), autocast(device):
            forward: Callable[[Tensor], object] = _captured(network, inputs[0]) if graph else network
            forward(inputs[0])
            peak = None if graph else peak_memory_gb(lambda: forward(inputs[0]), device)
            timing = time_call(lambda i: forward(inputs[i % len(inputs)]), device, seconds=0.2)
    except torch.cuda.OutOfMemoryError:
        report.notes.append(f"{name}, batch {batch}, {row['size']}: left out, memory ran out.")
        _release()
        return row
    return row | {
        "ms": timing.milliseconds,
        "spread": timing.spread,
        "ms a volume": timing.milliseconds / batch,
        "peak GB": peak,
        "bound ms": bound,
        "x bound": ratio(timing.milliseconds, bound),
    }


def _captured(network: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the forward pass recorded as a CUDA graph; what it returns is overwritten by its next call."""
    x = example.clone(memory_format=torch.preserve_format)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # convolutions choose their algorithms before the recording
        for _ in range(2):
            network(x)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = network(x)

    def replay(new: Tensor) -> Tensor:
        x.copy_(new)
        graph.replay()
        return y

    return replay


def _on_gpu(device: str) -> bool:
    return device.startswith("cuda")


def _release() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
