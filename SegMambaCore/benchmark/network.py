"""One forward pass of whole networks: ours, launched one by one and as a CUDA graph, and the peers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.benchmark.peers import BASELINE, make_peers
from SegMambaCore.benchmark.report import Report, Row, ratio
from SegMambaCore.benchmark.timing import peak_memory_gb, time_call
from SegMambaCore.benchmark.work import count_work, lower_bound_ms
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.recorded_pass import RecordedPass
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
            # They are published for either layout and gain by a recording, too; the fastest way counts.
            ways = [
                (layout, graph) for layout in _LAYOUTS for graph in ((False, True) if on_gpu else (False,))
            ]
            rows = [  # each copy is gone when its row is there: it would count in the next one's memory
                _row(report, machine, name, AsInference(network, machine.device, layout), size, graph=graph)
                for layout, graph in ways
            ]
            report.rows.append(min(rows, key=lambda row: row["ms"] or float("inf")))
            report.rows[-1]["peak GB"] = min(row["peak GB"] for row in rows if row["peak GB"])
            _release()
    for name in OURS:
        ours = AsInference(build_network(name), machine.device)
        bound = network_bound_ms(ours, machine, size)
        report.rows.append(_row(report, machine, name, ours, size, bound=bound))
        for batch in (1, LARGE_BATCH) if on_gpu else ():
            row = _row(report, machine, name, ours, size, batch=batch, bound=bound * batch, graph=True)
            report.rows.append(row)
        del ours
        _release()
    baseline = next((row["ms"] for row in report.rows if row["network"] == BASELINE), None)
    for row in report.rows if baseline else []:
        row[f"x {BASELINE}"] = ratio(row["ms"] / row["batch"], baseline) if row["ms"] else None


class AsInference:
    """A network's forward pass as inference runs it on a device: float16 on CUDA, float32 elsewhere."""

    def __init__(
        self, network: nn.Module, device: str, layout: torch.memory_format = torch.channels_last_3d
    ) -> None:
        passes = PreparedNetwork(network).passes_on(torch.device(device), half=_on_gpu(device))
        self.network = passes.network.to(memory_format=layout)  # type: ignore[call-overload]
        self.layout = layout
        self._forward, self._dtype = passes.forward, passes.dtype

    def __call__(self, x: Tensor) -> Tensor:
        """x: of `inputs`; returns the logits."""
        return self._forward(x)

    def inputs(self, size: Size, device: str, batch: int = 1, count: int = 2) -> list[Tensor]:
        """Return random volumes (batch, 4, D, H, W) as it takes them."""
        volumes = inputs_of(size, device, batch, count)
        return [x.to(self._dtype).contiguous(memory_format=self.layout) for x in volumes]


def inputs_of(size: Size, device: str, batch: int = 1, count: int = 2) -> list[Tensor]:
    """Return random volumes (batch, 4, D, H, W), channels last."""
    return [
        torch.randn(batch, 4, *size, device=device).contiguous(memory_format=torch.channels_last_3d)
        for _ in range(count)
    ]


def network_bound_ms(network: AsInference, machine: Machine, size: Size) -> float:
    """Return the lower bound of a forward pass at batch 1, see `work.py`."""
    with torch.no_grad():
        x = network.inputs(size, machine.device, count=1)[0]
        steps = count_work(lambda: network(x), network.network)
    return lower_bound_ms(steps, machine)


_LAYOUTS = (torch.channels_last_3d, torch.contiguous_format)


def _row(
    report: Report,
    machine: Machine,
    name: str,
    network: AsInference,
    size: Size,
    *,
    batch: int = 1,
    bound: float | None = None,
    graph: bool = False,
) -> Row:
    device = machine.device
    row: Row = {
        "network": name,
        "parameters M": round(sum(p.numel() for p in network.network.parameters()) / 1e6, 2),
        "how": "graph" if graph else "eager",
        "layout": "channels last" if network.layout == torch.channels_last_3d else "contiguous",
        "batch": batch,
        "size": " x ".join(map(str, size)),
        "ms": None,
        "peak GB": None,
    }
    try:
        with torch.inference_mode():
            inputs = network.inputs(size, device, batch)
            network(inputs[0])
            peak = peak_memory_gb(lambda: network(inputs[0]), device)
            forward: Callable[[Tensor], object] = _recorded(network, inputs[0]) if graph else network
            timing = time_call(lambda i: forward(inputs[i % len(inputs)]), device, seconds=0.2)
    except torch.cuda.OutOfMemoryError:
        report.notes.append(f"{name}, batch {batch}, {row['size']}: left out, memory ran out.")
        _release()
        return row
    except RuntimeError:
        if not graph:
            raise
        report.notes.append(f"{name}: left out as a graph, it does what cannot be recorded.")
        return row
    return row | {
        "ms": timing.milliseconds,
        "spread": timing.spread,
        "ms a volume": timing.milliseconds / batch,
        "peak GB": peak,
        "bound ms": bound,
        "x bound": ratio(timing.milliseconds, bound),
    }


def _recorded(network: AsInference, example: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the forward pass recorded as a CUDA graph; what it returns is overwritten by its next call."""
    x = example.clone(memory_format=torch.preserve_format)
    recorded = RecordedPass(network, x)

    def replay(new: Tensor) -> Tensor:
        x.copy_(new)
        return recorded.replay()

    return replay


def _on_gpu(device: str) -> bool:
    return device.startswith("cuda")


def _release() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
