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
"""Tokens a step of the kernels' loops, as in scan.cuh."""


def scan_cuda(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None = None
) -> Tensor:
    """Return y as `selective_scan` defines it, differentiable in every argument.

    u, B, C: float16, bfloat16 or float32, B and C are taken in u's. dt: likewise, of a type of its own.
    """
    B, C = _rows(B.to(u.dtype)), _rows(C.to(u.dtype))
    if B.stride(1) != C.stride(1):
        B, C = B.contiguous(), C.contiguous()
    y, _, _ = _forward(
        u.contiguous(),
        _rows(dt),
        A.float().contiguous(),
        B,
        C,
        D.float().contiguous(),
        None if dt_bias is None else dt_bias.float().contiguous(),
    )
    return y


def _rows(tokens: Tensor) -> Tensor:
    """Tokens whose values are neighbours and which lie at equal distances: a part of a projection needs no copy."""
    batch, length, _ = tokens.shape
    equal = batch == 1 or tokens.stride(0) == length * tokens.stride(1)
    return tokens if tokens.stride(2) == 1 and equal else tokens.contiguous()


def scan_joint_cuda(u: Tensor, joint: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor) -> Tensor:
    """Return y as `selective_scan_joint` defines it, differentiable in every argument."""
    y, _, _ = _joint_forward(
        u.contiguous(),
        joint.to(u.dtype).contiguous(),
        A.float().contiguous(),
        D.float().contiguous(),
        dt_bias.float().contiguous(),
    )
    return y


# ---------------------------------------------------------------------------------------------------------------
# Operators, registered so that torch.compile, autocast and autograd see through them


@torch.library.custom_op("segmamba::selective_scan_cuda", mutates_args=())
def _forward(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the state at the end of every chunk (batch, chunks, state, channels), sum of dt (batch, chunks, channels)."""
    ends, sum_dt = ends_of(u, A)
    return run_scan(u, dt, A, B, C, D, dt_bias, ends, sum_dt), ends, sum_dt


@_forward.register_fake
def _(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(u), *ends_of(u, A)


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
    ddt, dB, dC = (t.new_empty(t.shape) for t in (dt, B, C))
    du, dA, dD, dbias = run_gradients(dy, u, dt, A, B, C, D, dt_bias, ends, sum_dt, ddt, dB, dC)
    return du, ddt, dA, dB, dC, dD, dbias


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
    du, ddt, dA, dB, dC, dD = (t.new_empty(t.shape) for t in (u, dt, A, B, C, D))
    return du, ddt, dA, dB, dC, dD, D.new_empty(D.shape if dt_bias is not None else 0)


def _save(ctx: Any, inputs: tuple[Tensor | None, ...], output: tuple[Tensor, ...]) -> None:
    ctx.has_bias = inputs[6] is not None
    ctx.save_for_backward(*inputs, output[1], output[2])


def _differentiate(ctx: Any, dy: Tensor, d_ends: Tensor, d_sum_dt: Tensor) -> tuple[Tensor | None, ...]:
    gradients = _backward(dy.contiguous(), *ctx.saved_tensors)
    return gradients if ctx.has_bias else (*gradients[:6], None)


_forward.register_autograd(_differentiate, setup_context=_save)


@torch.library.custom_op("segmamba::selective_scan_joint_cuda", mutates_args=())
def _joint_forward(
    u: Tensor, joint: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As `_forward`."""
    dt, B, C = parts_of(joint, A)
    ends, sum_dt = ends_of(u, A)
    return run_scan(u, dt, A, B, C, D, dt_bias, ends, sum_dt), ends, sum_dt


@_joint_forward.register_fake
def _(u: Tensor, joint: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(u), *ends_of(u, A)


@torch.library.custom_op("segmamba::selective_scan_joint_cuda_backward", mutates_args=())
def _joint_backward(
    dy: Tensor, u: Tensor, joint: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor, ends: Tensor, sum_dt: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of u, joint, A, D and dt_bias."""
    d_joint = torch.empty_like(joint)
    (dt, B, C), (ddt, dB, dC) = parts_of(joint, A), parts_of(d_joint, A)
    du, dA, dD, dbias = run_gradients(dy, u, dt, A, B, C, D, dt_bias, ends, sum_dt, ddt, dB, dC)
    return du, d_joint, dA, dD, dbias


@_joint_backward.register_fake
def _(
    dy: Tensor, u: Tensor, joint: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor, ends: Tensor, sum_dt: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return tuple(torch.empty_like(t) for t in (u, joint, A, D, dt_bias))  # type: ignore[return-value]


def _save_joint(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs, output[1], output[2])


def _differentiate_joint(ctx: Any, dy: Tensor, d_ends: Tensor, d_sum_dt: Tensor) -> tuple[Tensor, ...]:
    return _joint_backward(dy.contiguous(), *ctx.saved_tensors)


_joint_forward.register_autograd(_differentiate_joint, setup_context=_save_joint)


def parts_of(joint: Tensor, A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return dt, B and C, which lie beside each other in joint."""
    channels, states = A.shape
    dt, B, C = joint.split([channels, states, states], dim=-1)
    return dt, B, C


# ---------------------------------------------------------------------------------------------------------------
# Launching


def run_scan(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    dt_bias: Tensor | None,
    ends: Tensor,
    sum_dt: Tensor,
) -> Tensor:
    """Return y; write the states at the chunks' ends and the sums of dt. Tokens may lie apart, of B and C alike."""
    sizes = _sizes(u, A, dt.stride(1), B.stride(1))
    kernels = _kernels(u, dt, A, dt_bias is not None)
    y = torch.empty_like(u)
    grid = _grid_of_warps(sizes)
    kernels.chunk_ends.launch(grid, 32 * _WARPS, (u, dt, dt_bias, A, B, ends, sum_dt, sizes))
    _link(kernels, ends, sum_dt, A, sizes, backward=False)
    kernels.outputs.launch(grid, 32 * _WARPS, (u, dt, dt_bias, A, B, C, D, ends, y, sizes))
    return y


def ends_of(u: Tensor, A: Tensor) -> tuple[Tensor, Tensor]:
    """Return empty ends (batch, chunks, state, channels) and sums of dt (batch, chunks, channels).

    Of every direction's, if A (directions, channels, state) has several.
    """
    sizes, several = _sizes(u, A), A.shape[:-2]
    ends = (*several, sizes.batch, sizes.chunks, sizes.states, sizes.channels)
    return A.new_empty(ends), A.new_empty((*several, sizes.batch, sizes.chunks, sizes.channels))


def run_gradients(
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
    ddt: Tensor,
    dB: Tensor,
    dC: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of u, A, D and dt_bias; those of dt, B and C are written where the caller wants them."""
    sizes = _sizes(u, A, dt.stride(1), B.stride(1), ddt.stride(1), dB.stride(1))
    kernels = _kernels(u, dt, A, dt_bias is not None)
    gradient_kernels = _gradient_kernels(u, dt, A, dt_bias is not None)
    du, dA, dD = torch.empty_like(u), torch.empty_like(A), torch.empty_like(D)
    dbias = torch.empty_like(D) if dt_bias is not None else None
    handed = torch.empty_like(ends)
    blocks = _gradient_blocks(sizes, kernels.states)
    rows = sizes.batch * sizes.length * 2 * sizes.states
    parts = ends.new_empty((blocks, rows)) if blocks > 1 else None
    sums = ends.new_empty((sizes.batch, sizes.chunks, sizes.states + 2, sizes.channels))
    kernels.chunk_handed.launch(_grid_of_warps(sizes), 32 * _WARPS, (dy, dt, dt_bias, A, C, handed, sizes))
    _link(kernels, handed, sum_dt, A, sizes, backward=True)
    gradient_kernels.gradients.launch(
        (sizes.chunks, blocks, sizes.batch),
        32 * _WARPS,
        (dy, u, dt, dt_bias, A, B, C, D, ends, handed, du, ddt, dB, dC, parts, sums, sizes),
        _shared_bytes(kernels.states, sizes.steps),
    )
    if parts is not None:
        gradient_kernels.add_parts.launch((-(-rows // 512), 1, 1), 256, (parts, dB, dC, blocks, sizes))
    lanes = (sizes.states + 2) * sizes.channels
    gradient_kernels.add_chunks.launch((-(-lanes // 8), 1, 1), 256, (sums, dA, dD, dbias, sizes))
    return du, dA, dD, dbias if dbias is not None else D.new_empty(0)


_WARPS = 4
"""Warps a block, as in scan.cu."""

_ROWS = ("dt_row", "bc_row", "ddt_row", "dbc_row")


class _Sizes(ctypes.Structure):
    """`Sizes` of scan.cuh."""

    _fields_ = [
        (name, ctypes.c_int) for name in ("batch", "length", "channels", "states", "chunks", "steps", *_ROWS)
    ]


def _sizes(
    u: Tensor, A: Tensor, dt_row: int = 0, bc_row: int = 0, ddt_row: int = 0, dbc_row: int = 0
) -> _Sizes:
    """A GPU wants some thousands of warps, each with 32 channels of a chunk; a chunk costs a state written and read."""
    batch, length, channels = u.shape
    state = A.shape[-1]
    groups = -(-channels // 32)
    steps, most = 2 * TILE, _most_steps(state)
    while steps < most and batch * groups * (length // (2 * steps)) >= 2048:
        steps *= 2
    rows = (dt_row, bc_row, ddt_row, dbc_row)
    return _Sizes(batch, length, channels, state, -(-length // steps), steps, *rows)


def _grid_of_warps(sizes: _Sizes) -> tuple[int, int, int]:
    warps = sizes.batch * sizes.chunks * -(-sizes.channels // 32)
    return -(-warps // _WARPS), 1, 1


def _most_steps(state: int) -> int:
    """The longest chunk whose states in front of each tile the gradients' kernel keeps in 32 kB."""
    return 64 if state <= 8 else 128 if state <= 32 else 32


def _gradient_blocks(sizes: _Sizes, states: int) -> int:
    """Blocks beside each other for the channels."""
    return -(-sizes.channels // (_WARPS * 4 * _groups(states)))


def _shared_bytes(states: int, steps: int) -> int:
    """Dynamic shared memory of a block of the gradients, for sums over channels and states in front of tiles."""
    return _WARPS * (TILE * 2 * _groups(states) * states + steps // TILE * 32 * _part(states)) * 4


def _part(states: int) -> int:
    """States of a lane: PART of scan_gradients.cu."""
    return 8 if states > 32 else 4


def _groups(states: int) -> int:
    """GROUPS of scan_gradients.cu."""
    return 8 * _part(states) // states


def _link(
    kernels: _Kernels, ends: Tensor, sum_dt: Tensor, A: Tensor, sizes: _Sizes, *, backward: bool
) -> None:
    lanes = sizes.states * sizes.channels
    kernels.link_chunks.launch(
        (-(-lanes // _COLUMNS), sizes.batch, 1),
        _COLUMNS * _SEGMENTS,
        (ends, sum_dt, A, int(backward), sizes),
    )


_COLUMNS, _SEGMENTS = 16, 64
"""As in scan.cu."""


@dataclass(frozen=True)
class _Kernels:
    """scan.cu compiled for these types; states: registers a channel, a power of two."""

    states: int
    chunk_ends: CudaKernel
    link_chunks: CudaKernel
    outputs: CudaKernel
    chunk_handed: CudaKernel


@dataclass(frozen=True)
class _GradientKernels:
    """scan_gradients.cu, which inference never compiles."""

    gradients: CudaKernel
    add_parts: CudaKernel
    add_chunks: CudaKernel


def _kernels(u: Tensor, dt: Tensor, A: Tensor, softplus: bool) -> _Kernels:
    return _compiled(u.device.index, IO_OF[u.dtype], IO_OF[dt.dtype], A.shape[1], softplus)


def _gradient_kernels(u: Tensor, dt: Tensor, A: Tensor, softplus: bool) -> _GradientKernels:
    return _compiled_gradients(u.device.index, IO_OF[u.dtype], IO_OF[dt.dtype], A.shape[1], softplus)


@cache
def _compiled(device: int, io: int, dt_io: int, state: int, softplus: bool) -> _Kernels:
    program = _program("scan.cu", device, io, dt_io, state, softplus)
    return _Kernels(
        states=_states(state),
        chunk_ends=program.kernel("chunk_ends"),
        link_chunks=program.kernel("link_chunks"),
        outputs=program.kernel("outputs"),
        chunk_handed=program.kernel("chunk_handed"),
    )


@cache
def _compiled_gradients(device: int, io: int, dt_io: int, state: int, softplus: bool) -> _GradientKernels:
    program = _program("scan_gradients.cu", device, io, dt_io, state, softplus)
    return _GradientKernels(
        gradients=program.kernel("gradients", _shared_bytes(_states(state), _most_steps(state))),
        add_parts=program.kernel("add_parts"),
        add_chunks=program.kernel("add_chunks"),
    )


def _program(source: str, device: int, io: int, dt_io: int, state: int, softplus: bool) -> CudaProgram:
    macros = {"STATES": _states(state), "IO": io, "DT_IO": dt_io, "SOFTPLUS": int(softplus)}
    return CudaProgram(Path(__file__).with_name(source), macros, device)


def _states(state: int) -> int:
    return max(8, 1 << (state - 1).bit_length())
