"""The logits of a whole tensor, from those of its patches and their reflections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SegMambaCore.gpu.nvrtc import kernels_run_on
from SegMambaCore.inference.ladder import Plan
from SegMambaCore.inference.mirrors import mirror_axes
from SegMambaCore.inference.pass_progress import watched
from SegMambaCore.inference.prepared_network import Passes, layout_on
from SegMambaCore.inference.progress import IsCancelled, OnProgress, Progress
from SegMambaCore.inference.windows import gaussian_weights, window_boxes
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.volume.bounding_box import Box

Axes = tuple[int, ...]

Job = tuple[Box, Axes]
"""One patch in a forward pass, and the axes it is flipped along."""

UNITS_OF_ONE_PASS = 100
"""Progress counts patches x mirrors; where the whole crop is one pass, hundredths of a pass."""

BACKGROUND_LOGIT = 10.0
"""What a patch without brain counts as: background with a probability of 0.9999."""


@torch.inference_mode()
def blended_logits(
    passes: Passes,
    spec: ModelSpec,
    tensor: NDArray[np.float32],
    plan: Plan,
    on_progress: OnProgress | None,
    is_cancelled: IsCancelled,
) -> Tensor:
    """Return logits (outputs, D, H, W), float32: the weighted mean over patches of the plain mean over mirrors.

    They lie on the plan's device, or in the computer's memory where the plan says so.
    """
    device = torch.device(plan.settings.device)
    home = torch.device("cpu") if plan.host_sums else device
    source = torch.from_numpy(tensor)[None].to(home)
    if home.type == "cuda":
        source = source.to(passes.dtype, memory_format=layout_on(device))
    shape = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
    boxes = window_boxes(shape, plan.window, plan.settings.overlap)
    mirrors = mirror_axes(plan.settings.mirror, spec.orientation)
    weights = (
        gaussian_weights(plan.window, device) if len(boxes) > 1 else torch.ones((1, 1, 1), device=device)
    )

    sums = torch.zeros((len(spec.outputs), *shape), device=home)
    total_weight = torch.zeros(shape, device=home)
    jobs: list[Job] = []
    for box, brain in zip(boxes, _hold_brain(source, boxes, spec), strict=True):
        total_weight[box] += weights.to(home)
        if brain:
            jobs += [(box, axes) for axes in mirrors]
        else:
            sums[_everywhere(box)] += weights.to(home) * len(mirrors) * _background_logits(spec, home)

    units = UNITS_OF_ONE_PASS if len(boxes) == 1 else 1
    progress = Progress(len(jobs), units, device, on_progress, is_cancelled)
    batches = list(_batches(jobs, plan.batch))
    for number, batch in enumerate(batches):
        x = passes.input_of((len(batch), tensor.shape[0], *plan.window))
        _write_patches(x, source, batch)
        to_come = sum(len(later) == len(batch) for later in batches[number + 1 :])
        # Of a GPU the modules tell when they were launched, not when they were done.
        steps_told = device.type != "cuda"
        inside = watched(passes.network, partial(progress.inside, len(batch)))
        with inside if steps_told else nullcontext():
            outputs = passes.run(x, to_come)
        _add_to_sums(sums, outputs, weights, batch)
        progress.launched(len(batch))
    progress.all_launched()
    return sums.div_(total_weight.mul_(len(mirrors)))


def _hold_brain(source: Tensor, boxes: list[Box], spec: ModelSpec) -> list[bool]:
    """Whether there is anything to see in the patches of a tensor (1, channels, D, H, W)."""
    # Only this normalisation makes background exactly 0 and nothing else.
    if spec.normalisation != "zscore_brain":
        return [True] * len(boxes)
    # One answer for all of them: a GPU is asked, and waited for, once.
    return torch.stack([source[_everywhere(box, 2)].any() for box in boxes]).tolist()


def _batches(jobs: list[Job], most: int) -> Iterator[list[Job]]:
    """As few as can be, and as even: a pass of another size could not be replayed."""
    if not jobs:
        return
    count = -(-len(jobs) // most)
    size = -(-len(jobs) // count)
    for start in range(0, len(jobs), size):
        yield jobs[start : start + size]


def _write_patches(x: Tensor, source: Tensor, batch: list[Job]) -> None:
    """Fill a batch (jobs, channels, d, h, w) from the whole tensor (1, channels, D, H, W)."""
    for box, place, axes in _groups(batch):
        if _on_cuda(source, x):
            from SegMambaCore.inference.cuda_patches import takes, write_patches_cuda

            if takes(source, x[place], len(axes)):
                write_patches_cuda(x[place], source, box, axes)
                continue
        patch = source[_everywhere(box, 2)].to(x.device)  # one way to the GPU, where it lies elsewhere
        for target, of_job in zip(x[place].split(1), axes, strict=True):
            target.copy_(patch.flip(of_job) if of_job else patch)


def _add_to_sums(sums: Tensor, outputs: Tensor, weights: Tensor, batch: list[Job]) -> None:
    """Add a batch's outputs (jobs, outputs, d, h, w), flipped back and weighted, to the sums (outputs, D, H, W)."""
    for box, place, axes in _groups(batch):
        if _on_cuda(sums, outputs):
            from SegMambaCore.inference.cuda_patches import add_outputs_cuda, takes_outputs

            if takes_outputs(sums, outputs[place]):
                of_voxels = weights if weights.numel() > 1 else None
                add_outputs_cuda(sums, outputs[place], of_voxels, box, axes)
                continue
        there = sums[_everywhere(box)]
        on_device = (
            there if there.device == outputs.device else torch.zeros_like(there, device=outputs.device)
        )
        for output, of_job in zip(outputs[place].split(1), axes, strict=True):
            on_device.addcmul_((output.flip(of_job) if of_job else output)[0], weights)
        if on_device is not there:
            there += on_device.to(there.device)


def _groups(batch: list[Job]) -> Iterator[tuple[Box, slice, list[Axes]]]:
    """The patches of one box: the box, their places in the batch, the axes each is flipped along."""
    start = 0
    for box, group in groupby(batch, key=lambda job: job[0]):
        axes = [of_job for _, of_job in group]
        yield box, slice(start, start + len(axes)), axes
        start += len(axes)


def _on_cuda(a: Tensor, b: Tensor) -> bool:
    """Whether both lie on one GPU that can run kernels of ours."""
    return a.device == b.device and a.device.type == "cuda" and kernels_run_on(a.device.index)


def _everywhere(box: Box, leading: int = 1) -> tuple[slice, ...]:
    """The box in all of the leading axes of a tensor."""
    return (slice(None),) * leading + box


def _background_logits(spec: ModelSpec, device: torch.device) -> Tensor:
    """(outputs, 1, 1, 1): every region improbable, or the first class certain."""
    logits = torch.full((len(spec.outputs), 1, 1, 1), -BACKGROUND_LOGIT, device=device)
    if spec.activation == "softmax":
        logits[0] = BACKGROUND_LOGIT
    return logits
