"""The state of a training on disk, to go on after an interruption."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.config import Config
from Training.weight_average import WeightAverage


@dataclass
class Progress:
    """How far a training has come.

    used_seconds: of the minutes that were given, imports and preparations included. trained_seconds: of
    these, the ones within the training loop, which the schedule follows.
    """

    step: int = 0
    used_seconds: float = 0.0
    trained_seconds: float = 0.0


def save_checkpoint(
    path: Path,
    config: Config,
    names: list[str],
    progress: Progress,
    network: nn.Module,
    average: WeightAverage,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> None:
    """Write everything a training needs to go on, whole or not at all.

    Raises SegMambaError naming the file when it cannot be written; then the last checkpoint is still there.
    """
    content = io.BytesIO()
    torch.save(
        {
            "config": repr(config),
            "cases": sorted(names),
            "progress": asdict(progress),
            "network": network.state_dict(),
            "average": average.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": rng.bit_generator.state,
        },
        content,
    )
    write_whole_file(path, content.getvalue())


def load_checkpoint(
    path: Path,
    config: Config,
    names: list[str],
    network: nn.Module,
    average: WeightAverage,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> Progress:
    """Put a checkpoint's state into the given objects and return how far it had come.

    Raises SegMambaError when there is none, or it belongs to another configuration or other cases: going on with
    those would mix held-out cases into the training unnoticed.
    """
    if not path.exists():
        raise SegMambaError(f"{path}: there is no checkpoint to resume from. Leave --resume away.")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["config"] != repr(config):
        raise SegMambaError(
            f"{path}: written with other settings than the ones given. Use those, or another --output."
        )
    if state["cases"] != sorted(names):
        raise SegMambaError(
            f"{path}: trained on {len(state['cases'])} other cases than the {len(names)} given. "
            "Use those, or another --output."
        )
    network.load_state_dict(state["network"])
    average.network.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    rng.bit_generator.state = state["rng"]
    return Progress(**state["progress"])
