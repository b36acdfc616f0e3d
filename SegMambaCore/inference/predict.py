"""From the prepared tensor to the probability of every output at every voxel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.inference.device import choose_device
from SegMambaCore.inference.ladder import Plan, first_plan, run_down_the_ladder
from SegMambaCore.inference.mirrors import mirror_axes
from SegMambaCore.inference.pass_progress import watched
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.inference.windows import gaussian_weights, window_boxes
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.volume.bounding_box import Box

OnProgress = Callable[[int, int, float], None]
"""Called with the units done, their total, and the seconds left."""

IsCancelled = Callable[[], bool]

Job = tuple[Box, tuple[int, ...]]
"""One forward pass: a patch and the axes it is flipped along."""

UNITS_OF_ONE_PASS = 100
"""Progress counts patches x mirrors; where the whole crop is one pass, hundredths of a pass."""

BACKGROUND_LOGIT = 10.0
"""What a patch without brain counts as: background with a probability of 0.9999."""


@dataclass(frozen=True)
class Prediction:
    """The network's answer for one prepared case.

    probabilities: float32 (outputs, D, H, W) in the order of the spec's outputs, on the tensor's own box.
    settings_used: nothing left at "auto"; the mode and device that were really used.
    window: (D, H, W) of what the network saw at once.
    fallbacks: a sentence for each thing that was given up on the way (memory, float16).
    seconds: wall time.
    """

    probabilities: NDArray[np.float32]
    settings_used: InferenceSettings
    window: tuple[int, int, int]
    fallbacks: tuple[str, ...]
    seconds: float


def predict(
    network: nn.Module,
    spec: ModelSpec,
    tensor: NDArray[np.float32],
    settings: InferenceSettings,
    *,
    on_progress: OnProgress | None = None,
    is_cancelled: IsCancelled | None = None,
) -> Prediction:
    """Run the network over a prepared tensor (channels, D, H, W) and return its probabilities.

    The network is moved to the device it runs on. float16 autocast on CUDA, float32 elsewhere. on_progress is
    called after every patch (in one pass: every hundredth of it) and starts again at 0 where memory ran out
    and a smaller plan is tried. is_cancelled is asked at every patch and every module.

    Raises CancelledError when it says so; SegMambaError when the device is absent, memory does not suffice
    for the smallest patches, or the output is not finite; ValueError when the tensor does not fit the spec.
    """
    started = time.perf_counter()
    if tensor.ndim != 4 or tensor.shape[0] != len(spec.channels):
        raise ValueError(f"The tensor must be ({len(spec.channels)}, D, H, W), not {tensor.shape}.")
    shape = (tensor.shape[1], tensor.shape[2], tensor.shape[3])

    def attempt(plan: Plan) -> Tensor:
        # Outside inference mode, which would leave the caller a network that can no longer be trained.
        device = torch.device(plan.settings.device)
        network.to(device).to(memory_format=_layout(device)).eval()  # type: ignore[call-overload]
        return _logits(network, spec, tensor, plan, on_progress, is_cancelled or (lambda: False)).cpu()

    plan = first_plan(settings, choose_device(settings.device), spec.patch, shape)
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
    probabilities = torch.sigmoid(logits) if spec.activation == "sigmoid" else torch.softmax(logits, dim=0)
    return Prediction(
        probabilities=probabilities.numpy(),
        settings_used=plan.settings,
        window=plan.window,
        fallbacks=fallbacks,
        seconds=time.perf_counter() - started,
    )


@torch.inference_mode()
def _logits(
    network: nn.Module,
    spec: ModelSpec,
    tensor: NDArray[np.float32],
    plan: Plan,
    on_progress: OnProgress | None,
    is_cancelled: IsCancelled,
) -> Tensor:
    """Logits (outputs, D, H, W), float32: the weighted mean over patches of the plain mean over mirrors."""
    device = torch.device(plan.settings.device)
    layout = _layout(device)
    source = torch.from_numpy(tensor).to("cpu" if plan.host_sums else device)
    shape = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
    boxes = window_boxes(shape, plan.window, plan.settings.overlap)
    mirrors = mirror_axes(plan.settings.mirror, spec.orientation)
    weights = gaussian_weights(plan.window).to(source.device)

    def inputs_of(batch: Sequence[Job]) -> Tensor:
        patches = torch.cat([source[_everywhere(box)][None].flip(axes) for box, axes in batch])
        return patches.to(device).contiguous(memory_format=layout)

    sums = torch.zeros((len(spec.outputs), *shape), device=source.device)
    total_weight = torch.zeros(shape, device=source.device)
    jobs: list[Job] = []
    for box in boxes:
        total_weight[box] += weights
        if _is_background(source[_everywhere(box)], spec):
            sums[_everywhere(box)] += weights * len(mirrors) * _background_logits(spec, source.device)
        else:
            jobs += [(box, axes) for axes in mirrors]

    units = UNITS_OF_ONE_PASS if len(boxes) == 1 else 1
    progress = _Progress(len(jobs), units, on_progress, is_cancelled)
    autocast = torch.autocast("cuda", torch.float16) if plan.half else nullcontext()
    for batch in _batches(jobs, plan.batch):
        with autocast, watched(network, partial(progress.inside, len(batch))):
            outputs = network(inputs_of(batch))
        for (box, axes), output in zip(batch, outputs.float().split(1), strict=True):
            sums[_everywhere(box)] += output.flip(axes)[0].to(source.device) * weights
        if device.type == "cuda":
            # Kernels are only queued by now: progress would run far ahead, and a cancel come far too late.
            torch.cuda.synchronize(device)
        progress.finished(len(batch))
    return sums.div_(total_weight * len(mirrors))


def _everywhere(box: Box) -> tuple[slice, ...]:
    """The box in every channel of a (C, D, H, W) tensor."""
    return (slice(None), *box)


def _layout(device: torch.device) -> torch.memory_format:
    # On a CPU the network's fused norms need channels last; on CUDA it spares the convolutions a conversion.
    return torch.contiguous_format if device.type == "mps" else torch.channels_last_3d


def _batches(jobs: list[Job], size: int) -> Iterator[list[Job]]:
    for start in range(0, len(jobs), size):
        yield jobs[start : start + size]


def _is_background(patch: Tensor, spec: ModelSpec) -> bool:
    # Only this normalisation makes background exactly 0 and nothing else.
    return spec.normalisation == "zscore_brain" and not patch.any()


def _background_logits(spec: ModelSpec, device: torch.device) -> Tensor:
    """(outputs, 1, 1, 1): every region improbable, or the first class certain."""
    logits = torch.full((len(spec.outputs), 1, 1, 1), -BACKGROUND_LOGIT, device=device)
    if spec.activation == "softmax":
        logits[0] = BACKGROUND_LOGIT
    return logits


class _Progress:
    """Turns finished passes, and steps inside a pass, into calls of on_progress; passes a cancel on."""

    def __init__(
        self, passes: int, units: int, on_progress: OnProgress | None, is_cancelled: IsCancelled
    ) -> None:
        """passes: how many there will be; units: progress units in each."""
        self._units = units
        self._total = passes * units
        self._passes_done = 0
        self._units_told = 0
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled
        self._started = time.perf_counter()

    def inside(self, batch: int, share: float) -> None:
        """This share of the running forward pass, over as many patches as the batch, is done."""
        if self._is_cancelled():
            raise CancelledError
        self._tell(self._passes_done + batch * share)

    def finished(self, passes: int) -> None:
        """As many forward passes are over."""
        self._passes_done += passes
        self._tell(self._passes_done)
        if self._is_cancelled():
            raise CancelledError

    def _tell(self, passes: float) -> None:
        units = min(int(passes * self._units + 1e-6), self._total)
        if units == self._units_told or self._on_progress is None:
            return
        self._units_told = units
        elapsed = time.perf_counter() - self._started
        self._on_progress(units, self._total, elapsed * (self._total / (passes * self._units) - 1))
