"""The scan for NVIDIA GPUs, forward and backward: launches the kernels of scan.cu.

Three launches a direction of time:

1. every chunk of tokens runs from a zero state and emits where it ends and the sum of its step sizes;
2. the chunks are linked: a chunk's decay is exp(A sum dt), a product of factors below one, never divided by;
3. every chunk runs again from its true start and emits y.

The backward does the same from the last token to the first, from the chunks' starts alone: inside a chunk the
states are computed again. No atomics: the same input gives the same bits.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SegMambaCore.gpu.nvrtc import IO_OF, CudaKernel, CudaProgram

TILE = 8
"""Tokens a step of the kernels' loops, as in scan.cu; `BACK` there has the same."""


def scan_cuda(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None = None
) -> Tensor:
    """Return y as `selective_scan` defines it, differentiable in every argument.

    u, B, C: float16, bfloat16 or float32, B and C are taken in u's. dt: likewise, of a type of its own.
    """
    y, _, _ = _forward(
        u.contiguous(),
        dt.contiguous(),
        A.float().contiguous(),
        B.to(u.dtype).contiguous(),
        C.to(u.dtype).contiguous(),
        D.float().contiguous(),
        None if dt_bias is None else dt_bias.float().contiguous(),
    )
    return y


# ---------------------------------------------------------------------------------------------------------------
# Operators, registered so that torch.compile, autocast and autograd see through them


@torch.library.custom_op("segmamba::selective_scan_cuda", mutates_args=())
def _forward(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the state at the end of every chunk (batch, chunks, state, channels), sum of dt (batch, chunks, channels)."""
    sizes = _sizes(u, A)
    kernels = _kernels(u, dt, A, dt_bias is not None)
    ends = u.new_empty((sizes.batch, sizes.chunks, sizes.states, sizes.channels), dtype=torch.float32)
    sum_dt = u.new_empty((sizes.batch, sizes.chunks, sizes.channels), dtype=torch.float32)
    y = torch.empty_like(u)
    grid = _grid_of_warps(sizes)
    kernels.chunk_ends.launch(grid, 32 * _WARPS, (u, dt, dt_bias, A, B, ends, sum_dt, sizes))
    _link(kernels, ends, sum_dt, A, sizes, backward=False)
    kernels.outputs.launch(grid, 32 * _WARPS, (u, dt, dt_bias, A, B, C, D, ends, y, sizes))
    return y, ends, sum_dt


@_forward.register_fake
def _(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    sizes = _sizes(u, A)
    ends = u.new_empty((sizes.batch, sizes.chunks, sizes.states, sizes.channels), dtype=torch.float32)
    sum_dt = u.new_empty((sizes.batch, sizes.chunks, sizes.channels), dtype=torch.float32)
    return torch.empty_like(u), ends, sum_dt


@torch.library.custom_op("segmamba::selective_scan_cuda_backward", mutates_args=())
def _backward(
    dy: Tensor,
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    dt_bias: Tensor | None,
    ends: Tensor,
    sum_dt: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of u, dt, A, B, C, D and dt_bias; the last is empty where there is no dt_bias."""
    sizes = _sizes(u, A)
    kernels = _kernels(u, dt, A, dt_bias is not None)
    blocks, shared = _gradient_blocks(sizes, kernels.states)
    handed = torch.empty_like(ends)
    du, ddt = torch.empty_like(u), torch.empty_like(dt)
    dA, dD = torch.empty_like(ends), torch.empty_like(sum_dt)  # of each chunk
    dbias = torch.empty_like(dD) if dt_bias is not None else None
    dB = ends.new_empty((blocks, sizes.batch, sizes.length, sizes.states))  # of each block's channels
    dC = torch.empty_like(dB)
    kernels.chunk_handed.launch(_grid_of_warps(sizes), 32 * _WARPS, (dy, dt, dt_bias, A, C, handed, sizes))
    _link(kernels, handed, sum_dt, A, sizes, backward=True)
    kernels.gradients.launch(
        (sizes.chunks, blocks, sizes.batch),
        32 * _WARPS,
        (dy, u, dt, dt_bias, A, B, C, D, ends, handed, du, ddt, dA, dB, dC, dD, dbias, sizes),
        shared,
    )
    return (
        du,
        ddt,
        dA.sum((0, 1)).t().contiguous(),
        dB.sum(0).to(B.dtype),
        dC.sum(0).to(C.dtype),
        dD.sum((0, 1)),
        dbias.sum((0, 1)) if dbias is not None else dD.new_empty(0),
    )


@_backward.register_fake
def _(
    dy: Tensor,
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    dt_bias: Tensor | None,
    ends: Tensor,
    sum_dt: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    last = torch.empty_like(dt_bias) if dt_bias is not None else D.new_empty(0)
    return (*(torch.empty_like(t) for t in (u, dt, A, B, C, D)), last)  # type: ignore[return-value]


def _save(ctx: Any, inputs: tuple[Tensor | None, ...], output: tuple[Tensor, ...]) -> None:
    ctx.has_bias = inputs[6] is not None
    ctx.save_for_backward(*inputs, output[1], output[2])


def _differentiate(ctx: Any, dy: Tensor, d_ends: Tensor, d_sum_dt: Tensor) -> tuple[Tensor | None, ...]:
    gradients = _backward(dy.contiguous(), *ctx.saved_tensors)
    return gradients if ctx.has_bias else (*gradients[:6], None)


_forward.register_autograd(_differentiate, setup_context=_save)

# ---------------------------------------------------------------------------------------------------------------
# Launching

_WARPS = 4
"""Warps a block, as in scan.cu."""


class _Sizes(ctypes.Structure):
    """`Sizes` of scan.cu."""

    _fields_ = [(name, ctypes.c_int) for name in ("batch", "length", "channels", "states", "chunks", "steps")]


def _sizes(u: Tensor, A: Tensor) -> _Sizes:
    """A GPU wants some thousands of warps, each with 32 channels of a chunk; a chunk costs a state written and read.

    The longest chunks are those whose states the gradients' kernel can keep in 48 kB.
    """
    batch, length, channels = u.shape
    groups = -(-channels // 32)
    steps, most = 2 * TILE, 128 if A.shape[1] <= 32 else 64
    while steps < most and batch * groups * (length // (2 * steps)) >= 2048:
        steps *= 2
    return _Sizes(batch, length, channels, A.shape[1], -(-length // steps), steps)


def _grid_of_warps(sizes: _Sizes) -> tuple[int, int, int]:
    warps = sizes.batch * sizes.chunks * -(-sizes.channels // 32)
    return -(-warps // _WARPS), 1, 1


def _gradient_blocks(sizes: _Sizes, states: int) -> tuple[int, int]:
    """Blocks beside each other for the channels, bytes of shared memory a block."""
    channels_of_block = _WARPS * 128 // states
    bytes_of_warp = 2 * TILE * states * 4 + sizes.steps // TILE * 32 * 16
    return -(-sizes.channels // channels_of_block), _WARPS * bytes_of_warp


def _link(
    kernels: _Kernels, ends: Tensor, sum_dt: Tensor, A: Tensor, sizes: _Sizes, *, backward: bool
) -> None:
    lanes = sizes.states * sizes.channels
    kernels.link_chunks.launch(
        (-(-lanes // 32), sizes.batch, 1), 32 * _SEGMENTS, (ends, sum_dt, A, int(backward), sizes)
    )


_SEGMENTS = 32
"""As in scan.cu."""


@dataclass(frozen=True)
class _Kernels:
    """scan.cu compiled for these types; states: registers a channel, a power of two."""

    states: int
    chunk_ends: CudaKernel
    link_chunks: CudaKernel
    outputs: CudaKernel
    chunk_handed: CudaKernel
    gradients: CudaKernel


def _kernels(u: Tensor, dt: Tensor, A: Tensor, softplus: bool) -> _Kernels:
    return _compiled(u.device.index, IO_OF[u.dtype], IO_OF[dt.dtype], A.shape[1], softplus)


@cache
def _compiled(device: int, io: int, dt_io: int, state: int, softplus: bool) -> _Kernels:
    states = max(4, 1 << (state - 1).bit_length())
    macros = {"STATES": states, "IO": io, "DT_IO": dt_io, "SOFTPLUS": int(softplus), "BACK": TILE}
    program = CudaProgram(Path(__file__).with_name("scan.cu"), macros, device)
    return _Kernels(
        states=states,
        chunk_ends=program.kernel("chunk_ends"),
        link_chunks=program.kernel("link_chunks"),
        outputs=program.kernel("outputs"),
        chunk_handed=program.kernel("chunk_handed"),
        gradients=program.kernel("gradients"),
    )
