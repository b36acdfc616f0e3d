"""Instance norm, residual and activation on NVIDIA GPUs, forward and backward: launches the kernels of norm.cu.

Two passes over memory, one for the statistics and one for all the rest, in the channels-last layout that the
convolutions like; PyTorch's instance norm takes several times as long there.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SegMambaCore.gpu.nvrtc import IO_OF, CudaKernel, CudaProgram

THREADS = 256
"""Of a block, as in norm.cu."""

_LAYOUT = torch.channels_last_3d


def takes(x: Tensor) -> bool:
    """Whether the kernels can work on x (batch, channels, D, H, W): its type, its layout in memory, its channels."""
    if x.dtype not in IO_OF or not x.is_contiguous(memory_format=_LAYOUT):
        return False
    pack = 16 // x.element_size()
    return x.shape[1] % pack == 0 and x.shape[1] <= THREADS * pack


def norm_add_act_cuda(
    x: Tensor, residual: Tensor | None, norm_residual: bool, slope: float, eps: float
) -> Tensor:
    """Return leaky ReLU of norm(x) + residual, or + norm(residual); x as `takes` wants it, residual of its shape."""
    if residual is not None:
        residual = residual.to(x.dtype).contiguous(memory_format=_LAYOUT)
    y, _, _ = _forward(x, residual, norm_residual, slope, eps)
    return y


@torch.library.custom_op("segmamba::norm_add_act", mutates_args=())
def _forward(
    x: Tensor, residual: Tensor | None, norm_residual: bool, slope: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """y, and the statistics of x and of the residual (empty where it is not normed)."""
    sizes, kind = _sizes(x, slope), _kind(residual, norm_residual)
    statistics = _statistics(x, sizes, eps, kind)
    of_residual = statistics.new_empty(0)
    if residual is not None and norm_residual:
        of_residual = _statistics(residual, sizes, eps, kind)
    y = torch.empty_like(x)
    arguments = (x, residual, statistics, of_residual, y, sizes)
    _kernel("apply", x, kind).launch(_grid(sizes), THREADS, arguments)
    return y, statistics, of_residual


@_forward.register_fake
def _(
    x: Tensor, residual: Tensor | None, norm_residual: bool, slope: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    statistics = x.new_empty((x.shape[0], 2, x.shape[1]), dtype=torch.float32)
    normed = _kind(residual, norm_residual) == 2
    return (
        torch.empty_like(x),
        statistics,
        torch.empty_like(statistics) if normed else statistics.new_empty(0),
    )


@torch.library.custom_op("segmamba::norm_add_act_backward", mutates_args=())
def _backward(
    dy: Tensor,
    x: Tensor,
    residual: Tensor | None,
    statistics: Tensor,
    of_residual: Tensor,
    norm_residual: bool,
    slope: float,
) -> tuple[Tensor, Tensor]:
    """The gradients of x and of the residual (empty where there is none)."""
    sizes, kind = _sizes(x, slope), _kind(residual, norm_residual)
    partial = statistics.new_empty((sizes.batch, sizes.splits, 3, sizes.channels))
    means = statistics.new_empty((sizes.batch, 3, sizes.channels))
    dx = torch.empty_like(x)
    dr = torch.empty_like(x) if kind else x.new_empty(0)
    inputs = (dy, x, residual, statistics, of_residual)
    _kernel("gradient_sums", x, kind).launch(_grid(sizes), THREADS, (*inputs, partial, sizes))
    _kernel("finish_gradient_sums", x, kind).launch(_small_grid(sizes), THREADS, (partial, means, sizes))
    _kernel("apply_gradient", x, kind).launch(_grid(sizes), THREADS, (*inputs, means, dx, dr, sizes))
    return dx, dr


@_backward.register_fake
def _(
    dy: Tensor,
    x: Tensor,
    residual: Tensor | None,
    statistics: Tensor,
    of_residual: Tensor,
    norm_residual: bool,
    slope: float,
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x), torch.empty_like(x) if residual is not None else x.new_empty(0)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, residual, ctx.norm_residual, ctx.slope, _ = inputs
    ctx.save_for_backward(x, residual, output[1], output[2])


def _differentiate(ctx: Any, dy: Tensor, _s: Tensor, _r: Tensor) -> tuple[Tensor | None, ...]:
    x, residual, statistics, of_residual = ctx.saved_tensors
    dy = dy.contiguous(memory_format=_LAYOUT)
    dx, dr = _backward(dy, x, residual, statistics, of_residual, ctx.norm_residual, ctx.slope)
    return dx, dr if residual is not None else None, None, None, None


_forward.register_autograd(_differentiate, setup_context=_save)


class _Sizes(ctypes.Structure):
    """`Sizes` of norm.cu."""

    _fields_ = [(name, ctypes.c_int) for name in ("batch", "voxels", "channels", "splits")] + [
        ("slope", ctypes.c_float)
    ]


def _sizes(x: Tensor, slope: float) -> _Sizes:
    """Some hundreds of blocks fill a GPU; a block has a few thousand packs of channels to go through."""
    batch, channels = x.shape[:2]
    voxels = x[0, 0].numel()
    packs = voxels * channels * x.element_size() // 16
    splits = max(1, min(528 // batch, packs // (8 * THREADS)))
    return _Sizes(batch, voxels, channels, splits, slope)


def _kind(residual: Tensor | None, norm_residual: bool) -> int:
    """The macro RESIDUAL."""
    return 0 if residual is None else 2 if norm_residual else 1


def _statistics(x: Tensor, sizes: _Sizes, eps: float, kind: int) -> Tensor:
    partial = x.new_empty((sizes.batch, sizes.splits, 2, sizes.channels), dtype=torch.float32)
    statistics = x.new_empty((sizes.batch, 2, sizes.channels), dtype=torch.float32)
    _kernel("moments", x, kind).launch(_grid(sizes), THREADS, (x, partial, sizes))
    arguments = (partial, x, statistics, float(eps), sizes)
    _kernel("finish_moments", x, kind).launch(_small_grid(sizes), THREADS, arguments)
    return statistics


def _grid(sizes: _Sizes) -> tuple[int, int, int]:
    return sizes.splits, sizes.batch, 1


def _small_grid(sizes: _Sizes) -> tuple[int, int, int]:
    return -(-sizes.channels // 8), sizes.batch, 1


def _kernel(name: str, x: Tensor, kind: int) -> CudaKernel:
    return _compiled(x.device.index, IO_OF[x.dtype], kind, name)


@cache
def _compiled(device: int, io: int, kind: int, name: str) -> CudaKernel:
    return _program(device, io, kind).kernel(name)


@cache
def _program(device: int, io: int, kind: int) -> CudaProgram:
    return CudaProgram(Path(__file__).with_name("norm.cu"), {"IO": io, "RESIDUAL": kind}, device)
