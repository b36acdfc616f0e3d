"""From the prepared tensor to the network's answer at every voxel."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.blend import blended_logits
from SegMambaCore.inference.device import choose_device
from SegMambaCore.inference.ladder import Plan, first_plan, run_down_the_ladder
from SegMambaCore.inference.prediction import Prediction
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.progress import IsCancelled, OnProgress
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.spec import ModelSpec


def predict(
    network: nn.Module | PreparedNetwork,
    spec: ModelSpec,
    tensor: NDArray[np.float32],
    settings: InferenceSettings,
    *,
    on_progress: OnProgress | None = None,
    is_cancelled: IsCancelled | None = None,
) -> Prediction:
    """Run the network over a prepared tensor (channels, D, H, W).

    network: a `PreparedNetwork` keeps what is made ready on a GPU for the next case. float16 on CUDA, float32
        elsewhere; there the network is moved to the device, while CUDA works on a copy.
    on_progress: called after every batch of patches (in one pass, but for CUDA: every hundredth of it); it starts
        again at 0 where memory ran out and a smaller plan is tried.
    is_cancelled: asked at every batch, but for CUDA at every module.

    Raises CancelledError when it says so; SegMambaError when the device is absent, memory does not suffice
    for the smallest patches, or the output is not finite; ValueError when the tensor does not fit the spec.
    """
    started = time.perf_counter()
    if tensor.ndim != 4 or tensor.shape[0] != len(spec.channels):
        raise ValueError(f"The tensor must be ({len(spec.channels)}, D, H, W), not {tensor.shape}.")
    shape = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
    ready = network if isinstance(network, PreparedNetwork) else PreparedNetwork(network)

    def attempt(plan: Plan) -> Tensor:
        # Outside inference mode, which would leave the caller a network that can no longer be trained.
        passes = ready.passes_on(torch.device(plan.settings.device), half=plan.half)
        try:
            return blended_logits(passes, spec, tensor, plan, on_progress, is_cancelled or (lambda: False))
        except (MemoryError, RuntimeError):
            ready.forget()
            raise

    plan = first_plan(settings, choose_device(settings.device), spec, shape)
    logits, plan, fallbacks = run_down_the_ladder(attempt, plan, settings, spec, shape)
    if plan.half and not torch.isfinite(logits).all():
        fallbacks += ("The network left the range of float16: computed in float32.",)
        logits, plan, more = run_down_the_ladder(attempt, replace(plan, half=False), settings, spec, shape)
        fallbacks += more
    if not torch.isfinite(logits).all():
        raise SegMambaError(
            f"Model {spec.name}: the network's output is not finite.\n"
            "Its weights or this PyTorch installation are damaged."
        )
    return Prediction(
        logits=logits,
        spec=spec,
        settings_used=plan.settings,
        window=plan.window,
        fallbacks=fallbacks,
        seconds=time.perf_counter() - started,
    )
