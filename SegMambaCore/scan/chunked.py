"""The scan in plain PyTorch for every device: all chunks of the sequence step together.

The sequence is cut into chunks. A first sweep steps every chunk at once from a zero state and keeps only where
each ends; the ends are then linked (the decay of a whole chunk is exp(A sum dt), a product of factors below
one, so nothing is ever divided by a vanishing decay); a second sweep steps every chunk from its true start.
The largest temporary is (batch, chunks, channels, state) per token of a chunk, never the states of all tokens.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 512
"""Tokens a chunk at most: Python steps per sweep. Memory falls and time grows with it."""

BLOCK = 16
"""Tokens whose states the backward sweep holds at once; about the square root of CHUNK."""


def scan_chunked(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Return y as `selective_scan` defines it, differentiable once in every argument."""
    with torch.autocast(u.device.type, enabled=False):  # einsum would round the float32 states
        return _ChunkedScan.apply(u, dt, A, B, C, D)


class _ChunkedScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
        precision = torch.float64 if u.dtype == torch.float64 else torch.float32
        length = u.shape[1]
        A_, D_ = A.to(precision), D.to(precision)
        u_, dt_, B_, C_ = (_to_chunks(t, precision) for t in (u, dt, B, C))  # (batch, chunks, steps, .)
        start = _link(*_chunk_ends(u_, dt_, A_, B_))
        h = start
        y = torch.empty_like(u_)
        for t in range(u_.shape[2]):
            h = _step(h, u_, dt_, A_, B_, t)
            y[:, :, t] = torch.einsum("bkdn,bkn->bkd", h, C_[:, :, t])
        y += D_ * u_
        ctx.save_for_backward(u, dt, A, B, C, D, start)
        return _from_chunks(y, length).to(u.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(dy.device.type, enabled=False):
            return _chunked_backward(dy, *ctx.saved_tensors)


def _chunked_backward(
    dy: Tensor, u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, start: Tensor
) -> tuple[Tensor, ...]:
    """With g_t = dL/dh_t = C_t dy_t + exp(dt_{t+1} A) g_{t+1}, stepping from the last token to the first:

    du = sum_n g dt B + D dy;   ddt = sum_n g (A exp(dt A) h_{t-1} + B u);   dB = sum_d g dt u;
    dC = sum_d h dy;            dA = sum_t g dt exp(dt A) h_{t-1};           dD = sum_t dy u
    """
    precision, length = start.dtype, u.shape[1]
    A_, D_ = A.to(precision), D.to(precision)
    u_, dt_, B_, C_, dy_ = (_to_chunks(t, precision) for t in (u, dt, B, C, dy))
    steps = u_.shape[2]

    g = _link_backward(*_chunk_starts_backward(dt_, A_, C_, dy_))  # exp(dt A) g of the following token
    du, ddt, dB, dC = (torch.empty_like(t) for t in (u_, dt_, B_, C_))
    dA = torch.zeros_like(A_)
    checkpoints = _states_at_block_starts(start, u_, dt_, A_, B_)
    for first in range((steps - 1) // BLOCK * BLOCK, -1, -BLOCK):
        last = min(first + BLOCK, steps)
        states = [checkpoints.pop()]
        for t in range(first, last):
            states.append(_step(states[-1], u_, dt_, A_, B_, t))
        for t in range(last - 1, first - 1, -1):
            h, h_before = states.pop(), states[-1]
            ut, dtt, Bt, Ct, dyt = (x[:, :, t] for x in (u_, dt_, B_, C_, dy_))
            decay = torch.exp(dtt[..., None] * A_)
            g = g + Ct[:, :, None, :] * dyt[..., None]
            gB = torch.einsum("bkdn,bkn->bkd", g, Bt)
            g_decay_h = g * decay * h_before
            du[:, :, t] = gB * dtt + D_ * dyt
            ddt[:, :, t] = (g_decay_h * A_).sum(-1) + gB * ut
            dB[:, :, t] = torch.einsum("bkdn,bkd->bkn", g, dtt * ut)
            dC[:, :, t] = torch.einsum("bkdn,bkd->bkn", h, dyt)
            dA += torch.einsum("bkdn,bkd->dn", g_decay_h, dtt)
            g = decay * g
    dD = (dy_ * u_).sum((0, 1, 2))
    over_tokens = (
        _from_chunks(grad, length).to(of.dtype) for grad, of in ((du, u), (ddt, dt), (dB, B), (dC, C))
    )
    gu, gdt, gB_, gC = over_tokens
    return gu, gdt, dA.to(A.dtype), gB_, gC, dD.to(D.dtype)


def _to_chunks(x: Tensor, precision: torch.dtype) -> Tensor:
    """(batch, length, .) -> (batch, chunks, steps, .); the tail is zero, and a token with dt = 0 changes nothing."""
    batch, length, width = x.shape
    steps = min(CHUNK, max(1, int(length**0.5)))
    chunks = -(-length // steps)
    return F.pad(x.to(precision), (0, 0, 0, chunks * steps - length)).view(batch, chunks, steps, width)


def _from_chunks(x: Tensor, length: int) -> Tensor:
    return x.flatten(1, 2)[:, :length]


def _step(h: Tensor, u: Tensor, dt: Tensor, A: Tensor, B: Tensor, t: int) -> Tensor:
    """One token of every chunk: (batch, chunks, channels, state) -> the same."""
    step = dt[:, :, t, :, None]
    return torch.exp(step * A) * h + (step * u[:, :, t, :, None]) * B[:, :, t, None, :]


def _chunk_ends(u: Tensor, dt: Tensor, A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """Where each chunk ends if it starts from zero, and how much of its start state survives it."""
    h = u.new_zeros(*u.shape[:2], *A.shape)
    for t in range(u.shape[2]):
        h = _step(h, u, dt, A, B, t)
    return h, torch.exp(dt.sum(2)[..., None] * A)


def _link(end: Tensor, decay: Tensor) -> Tensor:
    """Start state of every chunk, from all chunks' ends and decays."""
    start = torch.zeros_like(end)
    for k in range(1, end.shape[1]):
        start[:, k] = decay[:, k - 1] * start[:, k - 1] + end[:, k - 1]
    return start


def _chunk_starts_backward(dt: Tensor, A: Tensor, C: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient each chunk hands to the one before it, without what it receives itself; and its decay."""
    g = dt.new_zeros(*dt.shape[:2], *A.shape)
    for t in range(dt.shape[2] - 1, -1, -1):
        g = torch.exp(dt[:, :, t, :, None] * A) * (g + C[:, :, t, None, :] * dy[:, :, t, :, None])
    return g, torch.exp(dt.sum(2)[..., None] * A)


def _link_backward(handed: Tensor, decay: Tensor) -> Tensor:
    """What every chunk receives from those after it."""
    received = torch.zeros_like(handed)
    for k in range(handed.shape[1] - 2, -1, -1):
        received[:, k] = decay[:, k + 1] * received[:, k + 1] + handed[:, k + 1]
    return received


def _states_at_block_starts(start: Tensor, u: Tensor, dt: Tensor, A: Tensor, B: Tensor) -> list[Tensor]:
    h, kept = start, []
    for t in range(u.shape[2]):
        if t % BLOCK == 0:
            kept.append(h)
        h = _step(h, u, dt, A, B, t)
    return kept
