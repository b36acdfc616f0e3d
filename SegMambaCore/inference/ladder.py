"""What to give up, step by step, when memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil
import torch
from torch import Tensor

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.inference.windows import fit_window
from SegMambaCore.model_file.spec import ModelSpec

Size = tuple[int, int, int]

LARGEST_BATCH = 8
"""Patches in one forward pass on a GPU: from there on it is busy, and a patch has as many reflections."""

MOST_VOXELS = 2**31 // 96
"""In one forward pass on a GPU: cuDNN and PyTorch are fast where 32 bits count the elements of a tensor, and the widest
has 96 channels.
"""

GPU_BYTES_PER_VOXEL = {"small": 300, "tom": 900, "paper": 900}
"""What PyTorch takes of a GPU for a float16 forward pass by network, measured: the peak (140, 410, 410) and what lies
unused between tensors of different sizes. It grows with the voxels of the batch.
"""

GPU_BYTES_BESIDE = 400_000_000
"""What lies there besides: weights, the case's volumes, the summed logits."""

CPU_BYTES_PER_VOXEL = {"small": 550, "tom": 1500, "paper": 1500}
"""Peak memory of a float32 forward pass by network, measured; it grows with the voxels of the patch."""

OTHER_BYTES_PER_VOXEL = 2100
"""The same for networks that SegMambaCore does not have, on either: the most that one of Training's rivals was seen to
take.
"""

_OUT_OF_MEMORY_TEXTS = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")


@dataclass(frozen=True)
class Plan:
    """One way to run a prediction.

    settings: resolved.
    window: (D, H, W) of a patch; the tensor's own shape in one pass.
    batch: patches in one forward pass.
    host_sums: whether input and summed logits lie in the computer's memory instead of the GPU's.
    half: whether the network computes in float16.
    """

    settings: InferenceSettings
    window: Size
    batch: int
    host_sums: bool
    half: bool


def first_plan(asked: InferenceSettings, device: str, spec: ModelSpec, shape: Size) -> Plan:
    """Return the plan to start with on a device, for a tensor's (D, H, W)."""
    settings = asked.resolved(device)
    window = shape if settings.mode == "onepass" else fit_window(spec.patch, shape)
    return Plan(
        settings=settings,
        window=window,
        batch=_batch_that_fits(spec, window, _free_gpu_bytes(device)) if device.startswith("cuda") else 1,
        host_sums=device == "cpu",
        half=device.startswith("cuda"),
    )


def _batch_that_fits(spec: ModelSpec, window: Size, free: float) -> int:
    """Return a power of two: what is halved when memory runs out all the same."""
    of_one = GPU_BYTES_PER_VOXEL.get(spec.network, OTHER_BYTES_PER_VOXEL) * _voxels(window)
    batch = LARGEST_BATCH
    while batch > 1 and (batch * of_one > free - GPU_BYTES_BESIDE or batch * _voxels(window) > MOST_VOXELS):
        batch //= 2
    return batch


def _free_gpu_bytes(device: str) -> float:
    """What this process can still have of a GPU's memory: of all that is free, and of a limit that was set."""
    free, total = torch.cuda.mem_get_info(device)
    used, kept = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    limit = getattr(torch.cuda, "get_per_process_memory_fraction", lambda _: 1.0)(device) * total
    return min(free + kept - used, limit - used)


def run_down_the_ladder(
    attempt: Callable[[Plan], Tensor], plan: Plan, asked: InferenceSettings, spec: ModelSpec, shape: Size
) -> tuple[Tensor, Plan, tuple[str, ...]]:
    """Run the attempt with ever humbler plans until one fits into memory.

    Returns its result, the plan that fitted and a sentence for each step down. On the CPU a plan for which
    the free memory clearly does not suffice is not even tried. Errors of other kinds pass through.
    Raises SegMambaError when even the smallest patches do not fit on the CPU.
    """
    fallbacks: list[str] = []
    while True:
        if _is_hopeless(plan, spec, shape):
            trouble = "Memory would run out"
        else:
            try:
                return attempt(plan), plan, tuple(fallbacks)
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
            # Out here the exception is gone, and with its traceback the tensors that filled the memory.
            _release_memory()
            trouble = "Memory ran out"
        plan, sentence = _next_rung(plan, asked, spec, shape, trouble)
        fallbacks.append(sentence)


def _next_rung(
    plan: Plan, asked: InferenceSettings, spec: ModelSpec, shape: Size, trouble: str
) -> tuple[Plan, str]:
    place = "on the CPU" if plan.settings.device == "cpu" else f"on {plan.settings.device}"
    start = f"{trouble} {place} with "
    if plan.batch > 1:
        smaller = replace(plan, batch=plan.batch // 2)
        return smaller, start + f"batches of {plan.batch} patches: went on with {smaller.batch}."
    if not plan.host_sums:
        return replace(plan, host_sums=True), start + "the summed logits: kept them in the computer's memory."
    for candidate in _windows(spec.patch, shape):
        if _voxels(candidate) < _voxels(plan.window):
            smaller = replace(plan, window=candidate, settings=replace(plan.settings, mode="windows"))
            accuracy = (
                " Smaller patches are less accurate." if _voxels(candidate) < _voxels(spec.patch) else ""
            )
            return (
                smaller,
                start + f"{_text(plan.window)} voxels at once: went on with {_text(candidate)}.{accuracy}",
            )
    if plan.settings.device != "cpu":
        on_cpu = first_plan(asked, "cpu", spec, shape)
        return on_cpu, start + f"{_text(plan.window)} voxels at once: went on with the CPU."
    raise SegMambaError(
        f"Out of memory: even {_text(plan.window)} voxels at once do not fit into this computer's memory.\n"
        "Close other programs, choose a smaller model, or use a computer with more memory."
    )


def _is_hopeless(plan: Plan, spec: ModelSpec, shape: Size) -> bool:
    """Whether a plan needs more than the free memory of the computer, and there is a humbler one.

    An operating system would rather swap for minutes, or end the program, than refuse an allocation.
    """
    if plan.settings.device != "cpu" or plan.window == _windows(spec.patch, shape)[-1]:
        return False
    needed = CPU_BYTES_PER_VOXEL.get(spec.network, OTHER_BYTES_PER_VOXEL) * _voxels(plan.window)
    return needed > psutil.virtual_memory().available


def _windows(patch: Size, shape: Size) -> list[Size]:
    """The training patch, then three quarters and half of it."""
    scaled = [(patch[0] * n // 4, patch[1] * n // 4, patch[2] * n // 4) for n in (4, 3, 2)]
    return [fit_window(window, shape) for window in scaled]


def _voxels(size: Size) -> int:
    return size[0] * size[1] * size[2]


def _text(size: Size) -> str:
    return " x ".join(str(length) for length in size)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return any(text in str(error).lower() for text in _OUT_OF_MEMORY_TEXTS)


def _release_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
