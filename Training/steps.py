"""The steps for patches and for whole brains, made ready before the training begins."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from Training.captured_step import Objective, captured, with_gradients
from Training.cases import Cases
from Training.config import Config
from Training.training_batch import training_batch


def prepare_steps(
    objective: Objective, cases: Cases, config: Config, share: float, say: Callable[[str], None]
) -> dict[bool, Objective]:
    """Return the step for whole brains (True) and for patches (False), as far as the configuration has them.

    A step adds `share` of its gradients to those in the parameters. On a GPU it is recorded, and its costs are told; no
    weight changes.
    """
    step = with_gradients(objective, share)
    kinds = [False] * (config.p_whole < 1) + [True] * (config.p_whole > 0)
    if cases.device.type != "cuda":
        return dict.fromkeys(kinds, step)
    return {whole: _recorded(step, cases, config, whole, say) for whole in kinds}


def _recorded(
    step: Objective, cases: Cases, config: Config, whole: bool, say: Callable[[str], None]
) -> Objective:
    started = time.monotonic()
    images, labels = training_batch(cases, config, whole, 0, 0)
    step = captured(step, images, labels)
    prepared, seconds = _now(), []
    for _ in range(2):
        begun = _now()
        images, labels = training_batch(cases, config, whole, 0, 0)
        drawn = _now()
        step(images, labels)
        seconds.append((drawn - begun, _now() - drawn))
    drawing, computing = (min(column) for column in zip(*seconds, strict=True))
    say(
        f"{' x '.join(map(str, images.shape))}: ready in {prepared - started:.1f} s, then {drawing:.4f} s drawing, "
        f"{computing:.4f} s step, {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    )
    return step


def _now() -> float:
    torch.cuda.synchronize()
    return time.monotonic()
