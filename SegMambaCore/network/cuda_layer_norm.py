"""Layer norm over channels on NVIDIA GPUs, forward and backward: launches the kernels of layer_norm.cu.

A token has a few dozen to a few hundred channels; PyTorch's kernel gives each a block of threads, most of which wait.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SegMambaCore.gpu.nvrtc import IO_OF, CudaKernel, CudaProgram

_THREADS = 256
"""Of a block, as in layer_norm.cu."""


def takes(x: Tensor) -> bool:
    """Whether the kernels can work on x (..., channels): its type, its layout in memory, its channels."""
    if x.dtype not in IO_OF or not x.is_contiguous() or x.numel() == 0 or x.data_ptr() % 16:
        return False
    return x.shape[-1] % 4 == 0 and _shares(x)[1] <= 4


def layer_norm_cuda(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Return layer norm over the last axis in x's type, computed in float32; x as `takes` wants it."""
    return _forward(x, weight.float().contiguous(), bias.float().contiguous(), eps)


@torch.library.custom_op("segmamba::layer_norm", mutates_args=())
def _forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    y, sizes = torch.empty_like(x), _sizes(x, eps)
    _kernel("layer_norm", x).launch(_grid(x, 8192), _THREADS, (x, weight, bias, y, sizes))
    return y


@_forward.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return torch.empty_like(x)


@torch.library.custom_op("segmamba::layer_norm_backward", mutates_args=())
def _backward(dy: Tensor, x: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The gradient of x, and those of weight and bias (2, channels)."""
    dx, grid = torch.empty_like(x), _grid(x, 1056)
    partial = weight.new_empty((grid[0], 2, x.shape[-1]))
    arguments = (dy, x, weight, dx, partial, _sizes(x, eps))
    _kernel("layer_norm_gradient", x).launch(grid, _THREADS, arguments)
    return dx, partial.sum(0)


@_backward.register_fake
def _(dy: Tensor, x: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x), weight.new_empty((2, x.shape[-1]))


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, _, ctx.eps = inputs
    ctx.save_for_backward(x, weight)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    dx, of_parameters = _backward(dy.contiguous(), *ctx.saved_tensors, ctx.eps)
    return dx, of_parameters[0], of_parameters[1], None


_forward.register_autograd(_differentiate, setup_context=_save)


class _Sizes(ctypes.Structure):
    """`Sizes` of layer_norm.cu."""

    _fields_ = (("rows", ctypes.c_longlong), ("eps", ctypes.c_float))


def _sizes(x: Tensor, eps: float) -> _Sizes:
    return _Sizes(x.numel() // x.shape[-1], eps)


def _shares(x: Tensor) -> tuple[int, int]:
    """The macros LANES and FOURS: as many threads for a row as divide its fours of channels, at most a warp."""
    fours = x.shape[-1] // 4
    lanes = min(32, fours & -fours)
    return lanes, fours // lanes


def _grid(x: Tensor, most: int) -> tuple[int, int, int]:
    rows_of_block = _THREADS // _shares(x)[0]
    return min(most, -(-x.numel() // x.shape[-1] // rows_of_block)), 1, 1


def _kernel(name: str, x: Tensor) -> CudaKernel:
    return _compiled(x.device.index, IO_OF[x.dtype], *_shares(x), name)


@cache
def _compiled(device: int, io: int, lanes: int, fours: int, name: str) -> CudaKernel:
    return _program(device, io, lanes, fours).kernel(name)


@cache
def _program(device: int, io: int, lanes: int, fours: int) -> CudaProgram:
    macros = {"IO": io, "LANES": lanes, "FOURS": fours}
    return CudaProgram(Path(__file__).with_name("layer_norm.cu"), macros, device)
