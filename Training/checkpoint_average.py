"""One set of weights from the last checkpoints of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from SegMambaCore.model_file.spec import ModelSpec
from Training.checkpoint import newest_states
from Training.model_spec import OUTPUTS
from Training.networks.registry import build_network
from Training.run_record import RunRecord


def average_of_checkpoints(run: Path, record: RunRecord, count: int) -> tuple[nn.Module, ModelSpec]:
    """Return the network with the mean weights of the last `count` checkpoints of a run, and what it says of itself.

    Each checkpoint gives its moving average, which is what a training writes at its end. A mean of several is
    smoother still where the learning rate has not fallen to 0, as in a training that was stopped.
    Raises SegMambaError when there are not so many, or one cannot be read.
    """
    states = newest_states(run / "checkpoints", count)
    network = build_network(record.config.network, 4, len(OUTPUTS[record.config.activation]))
    network.load_state_dict(_mean([state["average"] for state in states]))
    newest = states[0]["progress"]
    spec = record.spec(newest["step"], newest["used_seconds"])
    if count > 1:
        steps = ", ".join(str(state["progress"]["step"]) for state in states)
        spec = replace(spec, training=f"{spec.training}; mean of the weights at steps {steps}")
    return network.eval(), spec


def _mean(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """In float64: the sum of many is not rounded more than one."""
    return {
        name: torch.stack([one[name].double() for one in weights]).mean(0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in weights[0].items()
    }
