"""All directions of a Mamba layer as one operator on NVIDIA GPUs: from the input projection to the gated sum.

One operator, so that its backward can do without what autograd would keep and add: it keeps the projection and the
states at the ends of chunks, convolves and projects again, and the directions' gradients are added up where they
are written.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.scan.cuda_directions import (
    run_convolution,
    run_convolution_gradient,
    run_gather,
    run_scatter_gradient,
)
from SegMambaCore.scan.cuda_scan import ends_of, parts_of, run_gradients, run_scan


def scan_all_directions_cuda(
    xz: Tensor,
    taps: Tensor,
    conv_bias: Tensor,
    projections: Tensor,
    A: Tensor,
    D: Tensor,
    dt_bias: Tensor,
    slices: int,
) -> Tensor:
    """Return what `scan_all_directions` does, differentiable in every tensor."""
    float32 = (t.float().contiguous() for t in (A, D, dt_bias))
    taps, conv_bias = taps.float().contiguous(), conv_bias.float().contiguous()
    projections = projections.to(xz.dtype).contiguous()
    tensors = (xz, taps, conv_bias, projections, *float32)
    keeps = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    out, _, _, _ = _forward(*tensors, slices, keeps)
    return out


@torch.library.custom_op("segmamba::scan_all_directions", mutates_args=())
def _forward(
    xz: Tensor,
    taps: Tensor,
    conv_bias: Tensor,
    projections: Tensor,
    A: Tensor,
    D: Tensor,
    dt_bias: Tensor,
    slices: int,
    keeps: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gated sum; if it keeps what the backward needs, the sum alone, and of each direction what `ends_of` says."""
    x, z = xz.chunk(2, dim=-1)
    results: list[Tensor | None] = [None, None, None]
    all_ends, all_sums = ends_of(x, A if keeps else A[:1])
    for n in range(len(taps)):
        u = run_convolution(x, taps[n], conv_bias[n], n, slices)
        dt, B, C = parts_of(F.linear(u, projections[n]), A[n])
        place = n if keeps else 0
        results[n] = run_scan(u, dt, A[n], B, C, D[n], dt_bias[n], all_ends[place], all_sums[place])
    out, total = run_gather(results, z, slices, keeps_sum=keeps)
    return out, total, all_ends, all_sums


@_forward.register_fake
def _(
    xz: Tensor,
    taps: Tensor,
    conv_bias: Tensor,
    projections: Tensor,
    A: Tensor,
    D: Tensor,
    dt_bias: Tensor,
    slices: int,
    keeps: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, z = xz.chunk(2, dim=-1)
    return z.new_empty(z.shape), z.new_empty(z.shape if keeps else 0), *ends_of(x, A if keeps else A[:1])


@torch.library.custom_op("segmamba::scan_all_directions_backward", mutates_args=())
def _backward(
    dout: Tensor,
    xz: Tensor,
    taps: Tensor,
    conv_bias: Tensor,
    projections: Tensor,
    A: Tensor,
    D: Tensor,
    dt_bias: Tensor,
    total: Tensor,
    all_ends: Tensor,
    all_sums: Tensor,
    slices: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of xz and of the six tensors of parameters."""
    parameters = (taps, conv_bias, projections, A, D, dt_bias)
    d_xz, *d_parameters = (torch.empty_like(t) for t in (xz, *parameters))
    (x, z), (dx, dz) = xz.chunk(2, dim=-1), d_xz.chunk(2, dim=-1)
    count, channels = len(taps), x.shape[-1]
    d_results = run_scatter_gradient(dout, total, z, [n < count for n in range(3)], slices, dz)
    for n in range(count):
        dy = d_results[n]
        assert dy is not None
        u = run_convolution(x, taps[n], conv_bias[n], n, slices)
        joint = F.linear(u, projections[n])
        d_joint = torch.empty_like(joint)
        dt, B, C = parts_of(joint, A[n])
        kept, d_parts = (all_ends[n], all_sums[n]), parts_of(d_joint, A[n])
        du, *of_scan = run_gradients(dy, u, dt, A[n], B, C, D[n], dt_bias[n], *kept, *d_parts)
        d_results[n] = None  # its memory
        flat = d_joint.flatten(0, 1)
        of_projection = flat.t() @ u.flatten(0, 1)
        du.view(-1, channels).addmm_(flat, projections[n])
        of_convolution = run_convolution_gradient(du, x, taps[n], conv_bias[n], n, slices, dx, adds=n > 0)
        gradients = (*of_convolution, of_projection, *of_scan)
        for whole, gradient in zip(d_parameters, gradients, strict=True):
            whole[n] = gradient
    return d_xz, *d_parameters  # type: ignore[return-value]


@_backward.register_fake
def _(
    dout: Tensor,
    xz: Tensor,
    taps: Tensor,
    conv_bias: Tensor,
    projections: Tensor,
    A: Tensor,
    D: Tensor,
    dt_bias: Tensor,
    total: Tensor,
    all_ends: Tensor,
    all_sums: Tensor,
    slices: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    of = (xz, taps, conv_bias, projections, A, D, dt_bias)
    return tuple(torch.empty_like(t) for t in of)  # type: ignore[return-value]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.slices, _ = inputs
    ctx.save_for_backward(*tensors, *output[1:])


def _differentiate(ctx: Any, dout: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    return *_backward(dout.contiguous(), *ctx.saved_tensors, ctx.slices), None, None


_forward.register_autograd(_differentiate, setup_context=_save)
