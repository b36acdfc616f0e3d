"""One training step, forward, loss and backward: ours, launched one by one and as a CUDA graph, and the peers.

python -m SegMambaCore benchmark training
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.benchmark.network import Size, inputs_of
from SegMambaCore.benchmark.peers import make_peers
from SegMambaCore.benchmark.report import Report, Row, ratio
from SegMambaCore.benchmark.timing import Call, peak_memory_gb, time_call
from SegMambaCore.benchmark.work import count_work, lower_bound_ms
from SegMambaCore.network.build import build_network
from Training.captured_step import captured, with_gradients, zero_gradients
from Training.config import Config, read_config
from Training.model_spec import OUTPUTS
from Training.objective import objective_of

CONFIG = Path(__file__).parent / "configs" / "small.yaml"
OURS = ("small", "tom")


def measure_training(report: Report, machine: Machine, patch: Size, *, peers: bool) -> None:
    """Add the rows to the report: the configuration's batch, on random patches of this size."""
    config = read_config(CONFIG)
    torch.backends.cudnn.benchmark = True  # as Training/train.py
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    outputs = len(OUTPUTS[config.activation])
    for name in OURS:
        _measure(report, machine, name, build_network(name, 4, outputs), config, patch, ours=True)
    for name, network in make_peers(report.missing, outputs) if peers else []:
        _measure(report, machine, name, network, config, patch, ours=False)


def _measure(
    report: Report,
    machine: Machine,
    name: str,
    network: nn.Module,
    config: Config,
    patch: Size,
    *,
    ours: bool,
) -> None:
    device = torch.device(machine.device)
    network = network.to(device=device, memory_format=torch.channels_last_3d).train()  # type: ignore[call-overload]
    inputs = inputs_of(patch, machine.device, config.batch_size)
    labels = [torch.randint(0, 4, (config.batch_size, 1, *patch), device=device).byte() for _ in inputs]
    gradients = zero_gradients(network)
    step = with_gradients(objective_of(network, config, device))

    def eager(number: int = 0) -> Tensor:
        torch._foreach_zero_(gradients)
        return step(inputs[number % 2], labels[number % 2])

    row: Row = {
        "network": name,
        "how": "eager",
        "batch": config.batch_size,
        "patch": " x ".join(map(str, patch)),
        "dtype": "bfloat16" if device.type == "cuda" else "float32",
        "ms": None,
    }
    try:
        bound = lower_bound_ms(count_work(eager, network, training=True), machine) if ours else None
        peak = peak_memory_gb(eager, machine.device)
        report.rows.append(row | _figures(eager, machine, bound) | {"peak GB": peak})
        if ours and device.type == "cuda":
            graph = captured(step, inputs[0], labels[0])

            def replayed(number: int = 0) -> Tensor:
                torch._foreach_zero_(gradients)
                return graph(inputs[number % 2], labels[number % 2])

            report.rows.append(row | {"how": "graph"} | _figures(replayed, machine, bound))
    except torch.cuda.OutOfMemoryError:
        report.notes.append(f"{name}, {row['patch']}: a step does not fit into the GPU's memory.")
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _figures(call: Call, machine: Machine, bound: float | None) -> Row:
    timing = time_call(call, machine.device, seconds=0.5)
    return {
        "ms": timing.milliseconds,
        "spread": timing.spread,
        "bound ms": bound,
        "x bound": ratio(timing.milliseconds, bound),
    }
