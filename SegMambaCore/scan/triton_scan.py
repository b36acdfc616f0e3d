"""The scan for CUDA in Triton, forward and backward.

A program is one warp: 32 channels in its lanes, all states of a channel in the registers of its lane. Three
launches a direction of time:

1. every chunk of tokens runs from a zero state and emits where it ends and the sum of its step sizes;
2. the chunks are linked: a chunk's decay is exp(A sum dt), a product of factors below one, never divided by;
3. every chunk runs again from its true start and emits y.

The backward does the same from the last token to the first. It keeps only the chunks' end states of the
forward, writes the state of every fourth token to a scratch buffer, and recomputes the three in between in
registers. The state is float32 whatever the inputs are. No atomics: the same input gives the same bits.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

LANES = 32
BLOCK = tl.constexpr(4)
"""Tokens between two states in the backward's scratch buffer."""
LOG2E = tl.constexpr(1.4426950408889634)
LN2 = tl.constexpr(0.6931471805599453)


def scan_triton(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Return y as `selective_scan` defines it; float16, bfloat16 or float32 in, differentiable in every argument."""
    y, _, _ = _forward(
        u.contiguous(), dt.contiguous(), A.contiguous(), B.contiguous(), C.contiguous(), D.contiguous()
    )
    return y


# ---------------------------------------------------------------------------------------------------------------
# Operators, registered so that torch.compile, autocast and autograd see through them


@torch.library.custom_op("segmamba::selective_scan", mutates_args=())
def _forward(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the state at the end of every chunk (batch, chunks, state, channels), sum of dt (batch, chunks, channels)."""
    batch, length, channels = u.shape
    state = A.shape[1]
    steps, chunks, grid = _launch(u)
    ends = u.new_empty((batch, chunks, state, channels), dtype=torch.float32)
    sum_dt = u.new_empty((batch, chunks, channels), dtype=torch.float32)
    y = torch.empty_like(u)
    sizes = (length, channels, state, chunks, steps)
    padded = triton.next_power_of_2(state)
    _chunk_ends[grid](u, dt, A, B, ends, sum_dt, *sizes, N=padded, LANES=LANES, num_warps=1)
    _link_chunks(ends, sum_dt, A, backward=False)
    _outputs[grid](u, dt, A, B, C, D, ends, y, *sizes, N=padded, LANES=LANES, num_warps=1)
    return y, ends, sum_dt


@_forward.register_fake
def _(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    batch, _, channels = u.shape
    _, chunks, _ = _launch(u)
    ends = u.new_empty((batch, chunks, A.shape[1], channels), dtype=torch.float32)
    return torch.empty_like(u), ends, u.new_empty((batch, chunks, channels), dtype=torch.float32)


@torch.library.custom_op("segmamba::selective_scan_backward", mutates_args=())
def _backward(
    dy: Tensor,
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    ends: Tensor,
    sum_dt: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    batch, length, channels = u.shape
    state = A.shape[1]
    steps, chunks, grid = _launch(u)
    blocks = triton.cdiv(channels, LANES)
    handed = torch.empty_like(ends)
    scratch = u.new_empty(
        (batch, triton.cdiv(length, BLOCK.value) + chunks, state, channels), dtype=torch.float32
    )
    du, ddt = torch.empty_like(u), torch.empty_like(dt)
    dB = u.new_empty((blocks, batch, length, state), dtype=torch.float32)
    dC = torch.empty_like(dB)
    dA = u.new_empty((batch, chunks, state, channels), dtype=torch.float32)
    dD = u.new_empty((batch, chunks, channels), dtype=torch.float32)
    sizes = (length, channels, state, chunks, steps)
    padded = triton.next_power_of_2(state)
    _chunk_starts_backward[grid](dy, dt, A, C, handed, *sizes, N=padded, LANES=LANES, num_warps=1)
    _link_chunks(handed, sum_dt, A, backward=True)
    _gradients[grid](
        dy, u, dt, A, B, C, D, ends, handed, scratch, du, ddt, dA, dB, dC, dD, *sizes,
        N=padded, LANES=LANES, num_warps=1,
    )  # fmt: skip
    return (
        du,
        ddt,
        dA.sum((0, 1)).t().contiguous().to(A.dtype),
        dB.sum(0).to(B.dtype),
        dC.sum(0).to(C.dtype),
        dD.sum((0, 1)).to(D.dtype),
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
    ends: Tensor,
    sum_dt: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return tuple(torch.empty_like(t) for t in (u, dt, A, B, C, D))  # type: ignore[return-value]


def _save(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs, output[1], output[2])


def _differentiate(ctx: Any, dy: Tensor, d_ends: Tensor, d_sum_dt: Tensor) -> tuple[Tensor, ...]:
    return _backward(dy.contiguous(), *ctx.saved_tensors)


_forward.register_autograd(_differentiate, setup_context=_save)


def _launch(u: Tensor) -> tuple[int, int, tuple[int, int, int]]:
    """Tokens a chunk, chunks, and the grid (chunks, channel blocks, batch).

    A GPU wants some thousands of one-warp programs; a chunk costs a state written and read.
    """
    batch, length, channels = u.shape
    blocks = triton.cdiv(channels, LANES)
    steps = 16
    while steps < 256 and batch * blocks * triton.cdiv(length, 2 * steps) >= 3072:
        steps *= 2
    chunks = triton.cdiv(length, steps)
    return steps, chunks, (chunks, blocks, batch)


def _link_chunks(ends: Tensor, sum_dt: Tensor, A: Tensor, *, backward: bool) -> None:
    batch, chunks, state, channels = ends.shape
    lanes = state * channels
    tile = min(128, triton.next_power_of_2(chunks))
    _link[(triton.cdiv(lanes, LANES), batch)](
        ends, sum_dt, A, channels, state, chunks, BACKWARD=backward, TILE=tile, LANES=LANES, num_warps=4
    )


# ---------------------------------------------------------------------------------------------------------------
# Kernels. d: channels of this program (LANES); n: states (N, a power of two); tiles are (N, LANES).


@triton.jit
def _rates(A, d, n, channels, state):
    """A log2(e) as (N, LANES), zero outside: exp2 is one instruction."""
    inside = (d < channels)[None, :] & (n < state)[:, None]
    return tl.load(A + d[None, :] * state + n[:, None], mask=inside, other=0.0).to(tl.float32) * LOG2E


@triton.jit
def _chunk_ends(u, dt, A, B, ends, sum_dt, length, channels, state, chunks, steps,
                N: tl.constexpr, LANES: tl.constexpr):  # fmt: skip
    chunk, batch = tl.program_id(0), tl.program_id(2).to(tl.int64)
    d = tl.program_id(1) * LANES + tl.arange(0, LANES)
    n = tl.arange(0, N)
    rate = _rates(A, d, n, channels, state)
    h = tl.zeros((N, LANES), tl.float32)
    total = tl.zeros((LANES,), tl.float32)
    for t in range(chunk * steps, min((chunk + 1) * steps, length)):
        token = batch * length + t
        step = tl.load(dt + token * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        x = tl.load(u + token * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        b = tl.load(B + token * state + n, mask=n < state, other=0.0).to(tl.float32)
        h = tl.exp2(step[None, :] * rate) * h + (step * x)[None, :] * b[:, None]
        total += step
    row = batch * chunks + chunk
    inside = (d < channels)[None, :] & (n < state)[:, None]
    tl.store(ends + (row * state + n[:, None]) * channels + d[None, :], h, mask=inside)
    tl.store(sum_dt + row * channels + d, total, mask=d < channels)


@triton.jit
def _compose(decay1, end1, decay2, end2):
    return decay1 * decay2, decay2 * end1 + end2


@triton.jit
def _link(ends, sum_dt, A, channels, state, chunks,
          BACKWARD: tl.constexpr, TILE: tl.constexpr, LANES: tl.constexpr):  # fmt: skip
    """In place: what each chunk ends with (forward) or hands back (backward), from all chunks before it."""
    batch = tl.program_id(1).to(tl.int64)
    lane = tl.program_id(0) * LANES + tl.arange(0, LANES)  # lane = n * channels + d
    inside = lane < state * channels
    d = lane % channels
    rate = tl.load(A + d * state + lane // channels, mask=inside, other=0.0).to(tl.float32) * LOG2E
    carry = tl.zeros((LANES,), tl.float32)
    i = tl.arange(0, TILE)
    for first in range(0, chunks, TILE):
        k = first + i
        valid = (k < chunks)[:, None] & inside[None, :]
        if BACKWARD:
            k = chunks - 1 - k
        row = (batch * chunks + k)[:, None]
        decay = tl.exp2(tl.load(sum_dt + row * channels + d[None, :], mask=valid, other=0.0) * rate[None, :])
        end = tl.load(ends + row * (state * channels) + lane[None, :], mask=valid, other=0.0)
        decays, linked = tl.associative_scan((decay, end), 0, _compose)
        linked += decays * carry[None, :]
        tl.store(ends + row * (state * channels) + lane[None, :], linked, mask=valid)
        carry = tl.sum(tl.where((i == TILE - 1)[:, None], linked, 0.0), 0)


@triton.jit
def _state_from(ends, row, exists, d, n, channels, state):
    """The linked state of another chunk, zero where there is no such chunk."""
    inside = (d < channels)[None, :] & (n < state)[:, None] & exists
    return tl.load(ends + (row * state + n[:, None]) * channels + d[None, :], mask=inside, other=0.0)


@triton.jit
def _outputs(u, dt, A, B, C, D, ends, y, length, channels, state, chunks, steps,
             N: tl.constexpr, LANES: tl.constexpr):  # fmt: skip
    chunk, batch = tl.program_id(0), tl.program_id(2).to(tl.int64)
    d = tl.program_id(1) * LANES + tl.arange(0, LANES)
    n = tl.arange(0, N)
    rate = _rates(A, d, n, channels, state)
    skip = tl.load(D + d, mask=d < channels, other=0.0).to(tl.float32)
    h = _state_from(ends, batch * chunks + chunk - 1, chunk > 0, d, n, channels, state)
    for t in range(chunk * steps, min((chunk + 1) * steps, length)):
        token = batch * length + t
        step = tl.load(dt + token * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        x = tl.load(u + token * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        b = tl.load(B + token * state + n, mask=n < state, other=0.0).to(tl.float32)
        c = tl.load(C + token * state + n, mask=n < state, other=0.0).to(tl.float32)
        h = tl.exp2(step[None, :] * rate) * h + (step * x)[None, :] * b[:, None]
        out = tl.sum(h * c[:, None], 0) + skip * x
        tl.store(y + token * channels + d, out.to(y.dtype.element_ty), mask=d < channels)


@triton.jit
def _chunk_starts_backward(dy, dt, A, C, handed, length, channels, state, chunks, steps,
                           N: tl.constexpr, LANES: tl.constexpr):  # fmt: skip
    """What a chunk hands to the one before it, if nothing comes from the one after it."""
    chunk, batch = tl.program_id(0), tl.program_id(2).to(tl.int64)
    d = tl.program_id(1) * LANES + tl.arange(0, LANES)
    n = tl.arange(0, N)
    rate = _rates(A, d, n, channels, state)
    g = tl.zeros((N, LANES), tl.float32)
    first, last = chunk * steps, min((chunk + 1) * steps, length)
    for back in range(0, last - first):
        token = batch * length + last - 1 - back
        step = tl.load(dt + token * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        dyt = tl.load(dy + token * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        c = tl.load(C + token * state + n, mask=n < state, other=0.0).to(tl.float32)
        g = tl.exp2(step[None, :] * rate) * (g + c[:, None] * dyt[None, :])
    inside = (d < channels)[None, :] & (n < state)[:, None]
    row = batch * chunks + chunk
    tl.store(handed + (row * state + n[:, None]) * channels + d[None, :], g, mask=inside)


@triton.jit
def _forward_step(h, u, dt, B, rate, t, batch, length, channels, state, d, n):
    """One token; past the end of the sequence dt = 0 and the state stays."""
    token = batch * length + t
    inside = (d < channels) & (t < length)
    step = tl.load(dt + token * channels + d, mask=inside, other=0.0).to(tl.float32)
    x = tl.load(u + token * channels + d, mask=inside, other=0.0).to(tl.float32)
    b = tl.load(B + token * state + n, mask=(n < state) & (t < length), other=0.0).to(tl.float32)
    return tl.exp2(step[None, :] * rate) * h + (step * x)[None, :] * b[:, None]


@triton.jit
def _backward_step(g, h, h_before, dA_sum, dD_sum, dy, u, dt, B, C, skip, rate, du, ddt, dB, dC, t, batch, length,
                   channels, state, part, d, n):  # fmt: skip
    """Gradients of one token from the state before and after it; returns what goes to the token before."""
    token = batch * length + t
    inside = (d < channels) & (t < length)
    inside_n = (n < state) & (t < length)
    step = tl.load(dt + token * channels + d, mask=inside, other=0.0).to(tl.float32)
    x = tl.load(u + token * channels + d, mask=inside, other=0.0).to(tl.float32)
    dyt = tl.load(dy + token * channels + d, mask=inside, other=0.0).to(tl.float32)
    b = tl.load(B + token * state + n, mask=inside_n, other=0.0).to(tl.float32)
    c = tl.load(C + token * state + n, mask=inside_n, other=0.0).to(tl.float32)
    decay = tl.exp2(step[None, :] * rate)
    g = g + c[:, None] * dyt[None, :]
    g_b = tl.sum(g * b[:, None], 0)
    g_decay_h = g * decay * h_before
    tl.store(du + token * channels + d, (g_b * step + skip * dyt).to(du.dtype.element_ty), mask=inside)
    d_step = tl.sum(g_decay_h * rate, 0) * LN2 + g_b * x
    tl.store(ddt + token * channels + d, d_step.to(ddt.dtype.element_ty), mask=inside)
    row = (part + token) * state + n
    tl.store(dB + row, tl.sum(g * (step * x)[None, :], 1), mask=inside_n)
    tl.store(dC + row, tl.sum(h * dyt[None, :], 1), mask=inside_n)
    return decay * g, dA_sum + g_decay_h * step[None, :], dD_sum + dyt * x


@triton.jit
def _gradients(dy, u, dt, A, B, C, D, ends, handed, scratch, du, ddt, dA, dB, dC, dD,
               length, channels, state, chunks, steps, N: tl.constexpr, LANES: tl.constexpr):  # fmt: skip
    chunk, block, batch = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    d = block * LANES + tl.arange(0, LANES)
    n = tl.arange(0, N)
    inside = (d < channels)[None, :] & (n < state)[:, None]
    tile = n[:, None] * channels + d[None, :]
    rate = _rates(A, d, n, channels, state)
    skip = tl.load(D + d, mask=d < channels, other=0.0).to(tl.float32)
    row = batch * chunks + chunk
    first = chunk * steps
    blocks = tl.cdiv(min(first + steps, length) - first, BLOCK)
    # A whole number of blocks fits a chunk, only the last chunk can end inside one: rows never collide.
    slot = (
        scratch
        + (batch * (tl.cdiv(length, BLOCK) + chunks) + chunk * (steps // BLOCK)) * state * channels
        + tile
    )

    h = _state_from(ends, row - 1, chunk > 0, d, n, channels, state)
    for j in range(0, blocks):
        tl.store(slot, h, mask=inside)
        slot += state * channels
        for s in tl.static_range(BLOCK):
            h = _forward_step(h, u, dt, B, rate, first + j * BLOCK + s, batch, length, channels, state, d, n)

    g = _state_from(handed, row + 1, chunk < chunks - 1, d, n, channels, state)
    dA_sum = tl.zeros((N, LANES), tl.float32)
    dD_sum = tl.zeros((LANES,), tl.float32)
    part = block.to(tl.int64) * tl.num_programs(2) * length
    # A lane reads back only what it wrote itself, so no barrier is needed.
    for back in range(0, blocks):
        t = first + (blocks - 1 - back) * BLOCK
        slot -= state * channels
        h0 = tl.load(slot, mask=inside, other=0.0)
        h1 = _forward_step(h0, u, dt, B, rate, t, batch, length, channels, state, d, n)
        h2 = _forward_step(h1, u, dt, B, rate, t + 1, batch, length, channels, state, d, n)
        h3 = _forward_step(h2, u, dt, B, rate, t + 2, batch, length, channels, state, d, n)
        h4 = _forward_step(h3, u, dt, B, rate, t + 3, batch, length, channels, state, d, n)
        g, dA_sum, dD_sum = _backward_step(g, h4, h3, dA_sum, dD_sum, dy, u, dt, B, C, skip, rate, du, ddt, dB, dC,
                                           t + 3, batch, length, channels, state, part, d, n)  # fmt: skip
        g, dA_sum, dD_sum = _backward_step(g, h3, h2, dA_sum, dD_sum, dy, u, dt, B, C, skip, rate, du, ddt, dB, dC,
                                           t + 2, batch, length, channels, state, part, d, n)  # fmt: skip
        g, dA_sum, dD_sum = _backward_step(g, h2, h1, dA_sum, dD_sum, dy, u, dt, B, C, skip, rate, du, ddt, dB, dC,
                                           t + 1, batch, length, channels, state, part, d, n)  # fmt: skip
        g, dA_sum, dD_sum = _backward_step(g, h1, h0, dA_sum, dD_sum, dy, u, dt, B, C, skip, rate, du, ddt, dB, dC,
                                           t, batch, length, channels, state, part, d, n)  # fmt: skip
    tl.store(dA + row * state * channels + tile, dA_sum, mask=inside)
    tl.store(dD + row * channels + d, dD_sum, mask=d < channels)
