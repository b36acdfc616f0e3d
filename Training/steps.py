"""The steps for patches and for whole brains, made ready before the training begins."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from Training.captured_step import Objective, captured, with_gradients
from Training.case_store import CaseStore
from Training.config import Config
from Training.training_batch import training_batch


def prepare_steps(
    objective: Objective, store: CaseStore, config: Config, share: float, say: Callable[[str], None]
) -> dict[bool, Objective]:
    """Return the step for whole brains (True) and for patches (False), as far as the configuration has them.

    A step adds `share` of its gradients to those in the parameters. On a GPU it is recorded. Its costs are told; no
    weight changes.
    """
    step = with_gradients(objective, share)
    kinds = [False] * (config.p_whole < 1) + [True] * (config.p_whole > 0)
    return {whole: _prepared(step, store, config, whole, say) for whole in kinds}


def _prepared(
    step: Objective, store: CaseStore, config: Config, whole: bool, say: Callable[[str], None]
) -> Objective:
    device = store.device
    started = time.monotonic()
    images, labels = training_batch(store, config, whole, 0, 0)
    if device.type == "cuda":
        step = captured(step, images, labels)
    prepared, seconds = _now(device), []
    for _ in range(2):
        begun = _now(device)
        images, labels = training_batch(store, config, whole, 0, 0)
        drawn = _now(device)
        step(images, labels)
        seconds.append((drawn - begun, _now(device) - drawn))
    drawing, computing = (min(column) for column in zip(*seconds, strict=True))
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if device.type == "cuda" else ""
    say(
        f"{' x '.join(map(str, images.shape))}: ready in {prepared - started:.1f} s, "
        f"then {drawing:.4f} s drawing, {computing:.4f} s step{memory}"
    )
    return step


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic()
