"""The ways into and out of the scan's directions on NVIDIA GPUs: launches the kernels of directions.cu.

No direction is ever flipped or transposed in memory: the convolution reads its tokens, and the sum its results, where
an index map says.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SegMambaCore.gpu.nvrtc import IO_OF, CudaKernel, CudaProgram

DIRECTIONS = ("", "_b", "_s")
"""Forward, reverse, inter-slice, by the suffixes of their parameters; their places are the kernels' numbers."""

_THREADS = 256
_WIDTH, _RUN = 4, 4
"""As in directions.cu."""


def takes(x: Tensor, taps: int) -> bool:
    """Whether the kernels can work on tokens like x (batch, length, channels), whose rows may lie apart."""
    pack = 16 // x.element_size()
    return (
        x.dtype in IO_OF
        and taps == _WIDTH
        and x.stride(2) == 1
        and x.stride(1) % pack == 0
        and x.stride(0) == x.shape[1] * x.stride(1)
        and x.shape[2] % pack == 0
        and x.shape[2] <= _THREADS * 4
        and x.data_ptr() % 16 == 0
    )


def convolve_cuda(x: Tensor, weight: Tensor, bias: Tensor, direction: str, slices: int) -> Tensor:
    """Return `causal_conv_silu` of x (batch, length, channels) in the direction's order."""
    taps = weight[:, 0].float().contiguous()
    return _convolve(x, taps, bias.float().contiguous(), DIRECTIONS.index(direction), slices)


def gather_cuda(results: dict[str, Tensor], z: Tensor, slices: int) -> Tensor:
    """Return SiLU(z) times the sum of the directions' results, in token order; all (batch, length, channels)."""
    forward, reverse, inter_slice = (results.get(direction) for direction in DIRECTIONS)
    assert forward is not None
    return _gather(forward, reverse, inter_slice, z, slices)[0]


# ---------------------------------------------------------------------------------------------------------------
# Launching


def run_convolution(x: Tensor, taps: Tensor, bias: Tensor, direction: int, slices: int) -> Tensor:
    """Return what `convolve_cuda` does. direction: its place among DIRECTIONS."""
    y = x.new_empty(x.shape)
    sizes = _sizes(x, slices, direction)
    runs = -(-sizes.length // _RUN)
    grid = _grid_of(sizes.batch * runs, sizes, x)
    _kernel("convolve", x).launch(grid, _THREADS, (x, taps, bias, y, sizes))
    return y


def run_convolution_gradient(
    dy: Tensor, x: Tensor, taps: Tensor, bias: Tensor, direction: int, slices: int, dx: Tensor, *, adds: bool
) -> tuple[Tensor, Tensor]:
    """Write, or add, the gradient of x to dx, whose rows may lie apart; return those of taps and bias."""
    sizes = _sizes(x, slices, direction, dx.stride(1), adds=adds)
    walks = sizes.batch * -(-sizes.length // sizes.run)
    blocks = -(-walks // (_THREADS // (sizes.channels // 4)))
    partial = taps.new_empty((blocks, _WIDTH + 1, sizes.channels))
    arguments = (dy, x, taps, bias, dx, partial, sizes)
    _kernel("convolve_gradient", x).launch((blocks, 1, 1), _THREADS, arguments)
    d_taps, d_bias = torch.empty_like(taps), torch.empty_like(bias)
    grid = (-(-(_WIDTH + 1) * sizes.channels // 8), 1, 1)
    _kernel("add_blocks", x).launch(grid, _THREADS, (partial, d_taps, d_bias, blocks, sizes))
    return d_taps, d_bias


def run_gather(
    results: Sequence[Tensor | None], z: Tensor, slices: int, *, keeps_sum: bool
) -> tuple[Tensor, Tensor]:
    """Return the gated sum, and the sum alone or nothing of it. results: three, in the order of DIRECTIONS."""
    assert results[0] is not None
    out = torch.empty_like(results[0])
    total = torch.empty_like(out) if keeps_sum else out.new_empty(0)
    sizes = _sizes(z, slices)
    arguments = (*results, z, out, total if keeps_sum else None, sizes)
    _kernel("gather", z).launch(_grid_of(sizes.batch * sizes.length, sizes, z), _THREADS, arguments)
    return out, total


def run_scatter_gradient(
    dout: Tensor, total: Tensor, z: Tensor, there: Sequence[bool], slices: int, dz: Tensor
) -> list[Tensor | None]:
    """Write the gradient of z to dz, whose rows may lie apart; return those of the results that there are."""
    results = [torch.empty_like(dout) if result else None for result in there]
    sizes = _sizes(z, slices, gradient_stride=dz.stride(1))
    arguments = (dout, total, z, *results, dz, sizes)
    grid = _grid_of(sizes.batch * sizes.length, sizes, z)
    _kernel("scatter_gradient", z).launch(grid, _THREADS, arguments)
    return results


# ---------------------------------------------------------------------------------------------------------------
# Operators


@torch.library.custom_op("segmamba::convolve_in_direction", mutates_args=())
def _convolve(x: Tensor, taps: Tensor, bias: Tensor, direction: int, slices: int) -> Tensor:
    return run_convolution(x, taps, bias, direction, slices)


@_convolve.register_fake
def _(x: Tensor, taps: Tensor, bias: Tensor, direction: int, slices: int) -> Tensor:
    return x.new_empty(x.shape)


@torch.library.custom_op("segmamba::convolve_in_direction_backward", mutates_args=())
def _convolve_backward(
    dy: Tensor, x: Tensor, taps: Tensor, bias: Tensor, direction: int, slices: int
) -> tuple[Tensor, Tensor, Tensor]:
    dx = x.new_empty(x.shape)
    d_taps, d_bias = run_convolution_gradient(dy, x, taps, bias, direction, slices, dx, adds=False)
    return dx, d_taps, d_bias


@_convolve_backward.register_fake
def _(
    dy: Tensor, x: Tensor, taps: Tensor, bias: Tensor, direction: int, slices: int
) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), torch.empty_like(taps), torch.empty_like(bias)


def _save_convolution(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, taps, bias, ctx.direction, ctx.slices = inputs
    ctx.save_for_backward(x, taps, bias)


def _differentiate_convolution(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    gradients = _convolve_backward(dy.contiguous(), *ctx.saved_tensors, ctx.direction, ctx.slices)
    return (*gradients, None, None)


_convolve.register_autograd(_differentiate_convolution, setup_context=_save_convolution)


@torch.library.custom_op("segmamba::gather_directions", mutates_args=())
def _gather(
    forward: Tensor, reverse: Tensor | None, inter_slice: Tensor | None, z: Tensor, slices: int
) -> tuple[Tensor, Tensor]:
    """The gated sum, and the sum alone."""
    return run_gather((forward, reverse, inter_slice), z, slices, keeps_sum=True)


@_gather.register_fake
def _(
    forward: Tensor, reverse: Tensor | None, inter_slice: Tensor | None, z: Tensor, slices: int
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(forward), torch.empty_like(forward)


@torch.library.custom_op("segmamba::gather_directions_backward", mutates_args=())
def _gather_backward(
    dout: Tensor, total: Tensor, z: Tensor, reverse: bool, inter_slice: bool, slices: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of forward, reverse, inter-slice (empty where there is none) and z."""
    dz = torch.empty_like(dout)
    results = run_scatter_gradient(dout, total, z, (True, reverse, inter_slice), slices, dz)
    first, second, third = (dout.new_empty(0) if result is None else result for result in results)
    return first, second, third, dz


@_gather_backward.register_fake
def _(
    dout: Tensor, total: Tensor, z: Tensor, reverse: bool, inter_slice: bool, slices: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    first, second, third = (
        torch.empty_like(dout) if there else dout.new_empty(0) for there in (True, reverse, inter_slice)
    )
    return first, second, third, torch.empty_like(dout)


def _save_gather(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    _, reverse, inter_slice, z, ctx.slices = inputs
    ctx.there = (reverse is not None, inter_slice is not None)
    ctx.save_for_backward(output[1], z)


def _differentiate_gather(ctx: Any, dout: Tensor, _total: Tensor) -> tuple[Tensor | None, ...]:
    total, z = ctx.saved_tensors
    forward, reverse, inter_slice, dz = _gather_backward(dout.contiguous(), total, z, *ctx.there, ctx.slices)
    return forward, reverse if ctx.there[0] else None, inter_slice if ctx.there[1] else None, dz, None


_gather.register_autograd(_differentiate_gather, setup_context=_save_gather)


class _Sizes(ctypes.Structure):
    """`Sizes` of directions.cu."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "batch",
            "length",
            "channels",
            "stride",
            "direction",
            "slices",
            "plane",
            "run",
            "gradient_stride",
            "adds",
        )
    ]


def _sizes(
    x: Tensor, slices: int, direction: int = 0, gradient_stride: int = 0, *, adds: bool = False
) -> _Sizes:
    batch, length, channels = x.shape
    # A walk begins with three tokens of its neighbour's; a GPU wants some hundred thousand threads.
    run = 8
    while run < 64 and batch * (length // (2 * run)) * (channels // 4) >= 1 << 17:
        run *= 2
    return _Sizes(
        batch, length, channels, x.stride(1), direction, slices, length // slices, run, gradient_stride, adds
    )


def _grid_of(items: int, sizes: _Sizes, x: Tensor) -> tuple[int, int, int]:
    """A thread for each item and pack of channels."""
    threads = items * (sizes.channels * x.element_size() // 16)
    return -(-threads // _THREADS), 1, 1


@cache
def _program(device: int, io: int) -> CudaProgram:
    return CudaProgram(Path(__file__).with_name("directions.cu"), {"IO": io}, device)


@cache
def _compiled(device: int, io: int, name: str) -> CudaKernel:
    return _program(device, io).kernel(name)


def _kernel(name: str, x: Tensor) -> CudaKernel:
    return _compiled(x.device.index, IO_OF[x.dtype], name)
