"""Patches out of a volume and outputs back onto it on NVIDIA GPUs, reflections as index maps: launches patches.cu.

No reflected copy is ever made: one launch writes all reflections of a patch, one adds up all of theirs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from SegMambaCore.gpu.nvrtc import IO_OF, CudaKernel, CudaProgram
from SegMambaCore.volume.bounding_box import Box

_THREADS, _MOST_JOBS = 256, 8
"""As in patches.cu."""

_LAYOUT = torch.channels_last_3d


def takes(volume: Tensor, batch: Tensor, jobs: int) -> bool:
    """Whether the kernels can write so many patches of a volume (1, channels, D, H, W) to (jobs, channels, d, h, w)."""
    return (
        volume.dtype in IO_OF
        and volume.dtype == batch.dtype
        and all(x.is_contiguous(memory_format=_LAYOUT) and x.data_ptr() % 16 == 0 for x in (volume, batch))
        and jobs <= _MOST_JOBS
    )


def takes_outputs(sums: Tensor, outputs: Tensor) -> bool:
    """Whether the kernels can add outputs (jobs, outputs, d, h, w) to sums (outputs, D, H, W)."""
    return (
        outputs.dtype in IO_OF
        and outputs.stride(1) == 1
        and len(outputs) <= _MOST_JOBS
        and sums.dtype == torch.float32
        and sums.is_contiguous()
    )


def write_patches_cuda(batch: Tensor, volume: Tensor, box: Box, axes: Sequence[tuple[int, ...]]) -> None:
    """Fill batch (jobs, channels, d, h, w) with the patch in a box of volume (1, channels, D, H, W).

    axes: of each job, those of a 5D tensor that it is flipped along. All as `takes` wants it.
    """
    jobs = _jobs(batch, box, (volume.shape[2], volume.shape[3], volume.shape[4]), axes)
    kernel = _kernel("write_patches", batch, volume.shape[1], 1)
    kernel.launch(_grid(jobs, jobs.count), _THREADS, (volume, batch, jobs))


def add_outputs_cuda(
    sums: Tensor, outputs: Tensor, weights: Tensor | None, box: Box, axes: Sequence[tuple[int, ...]]
) -> None:
    """Add outputs (jobs, outputs, d, h, w), flipped back and weighted, to the box in sums (outputs, D, H, W).

    weights: float32 (d, h, w), None for 1. All as `takes_outputs` wants it.
    """
    jobs = _jobs(outputs, box, (sums.shape[1], sums.shape[2], sums.shape[3]), axes)
    kernel = _kernel("add_outputs", outputs, 1, outputs.shape[1])
    kernel.launch(_grid(jobs, 1), _THREADS, (outputs, weights, sums, jobs))


class _Jobs(ctypes.Structure):
    """`Jobs` of patches.cu."""

    _fields_ = (
        ("steps", ctypes.c_longlong * 4),
        ("patch", ctypes.c_int * 3),
        ("volume", ctypes.c_int * 3),
        ("origin", ctypes.c_int * 3),
        ("count", ctypes.c_int),
        ("mirrors", ctypes.c_int * _MOST_JOBS),
    )


def _jobs(batch: Tensor, box: Box, volume: tuple[int, int, int], axes: Sequence[tuple[int, ...]]) -> _Jobs:
    steps = (batch.stride(0), *batch.stride()[2:])
    mirrors = [sum(1 << axis - 2 for axis in of_job) for of_job in axes]
    jobs = _Jobs(count=len(mirrors))
    jobs.steps[:], jobs.patch[:], jobs.volume[:] = steps, batch.shape[2:], volume
    jobs.origin[:] = [side.start for side in box]
    jobs.mirrors[: len(mirrors)] = mirrors
    return jobs


def _grid(jobs: _Jobs, count: int) -> tuple[int, int, int]:
    voxels = jobs.patch[0] * jobs.patch[1] * jobs.patch[2]
    return -(-voxels // _THREADS), count, 1


def _kernel(name: str, x: Tensor, channels: int, outputs: int) -> CudaKernel:
    return _compiled(x.device.index, IO_OF[x.dtype], channels, outputs, name)


@cache
def _compiled(device: int, io: int, channels: int, outputs: int, name: str) -> CudaKernel:
    macros = {"IO": io, "CHANNELS": channels, "OUTPUTS": outputs}
    return CudaProgram(Path(__file__).with_name("patches.cu"), macros, device).kernel(name)
