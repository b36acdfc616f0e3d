"""The directions of a Mamba layer: the order in which each scans the tokens, and the sum of their results.

Tokens are (batch, length, channels), row-major over (slices, rows, columns). A direction goes by the suffix of its
parameters: "" forward, "_b" reverse, "_s" inter-slice (the first voxel of every slice, then the second, ...).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.gpu.nvrtc import kernels_work_on
from SegMambaCore.scan.causal_conv import causal_conv_silu


def convolve_in_direction(x: Tensor, weight: Tensor, bias: Tensor, direction: str, slices: int) -> Tensor:
    """Return `causal_conv_silu` of the tokens in the direction's order; parameters as there."""
    if _on_cuda(x, weight.shape[-1]):
        from SegMambaCore.scan.cuda_directions import convolve_cuda

        return convolve_cuda(x, weight, bias, direction, slices)
    return causal_conv_silu(to_scan_order(x, direction, slices), weight, bias)


def gather_directions(results: dict[str, Tensor], z: Tensor, slices: int) -> Tensor:
    """Return SiLU(z) times the sum of the directions' results, in token order.

    results: by direction, each in its own order.
    """
    if _on_cuda(z):
        from SegMambaCore.scan.cuda_directions import gather_cuda

        return gather_cuda(results, z, slices)
    in_token_order = [to_token_order(y, direction, slices) for direction, y in results.items()]
    total = in_token_order[0]
    for y in in_token_order[1:]:
        total = total + y
    return total * F.silu(z)


def scan_all_directions(
    xz: Tensor,
    taps: Tensor,
    conv_bias: Tensor,
    projections: Tensor,
    A: Tensor,
    D: Tensor,
    dt_bias: Tensor,
    slices: int,
) -> Tensor:
    """Return (batch, length, channels): `gather_directions` of the scans of `convolve_in_direction`, as one operator.

    xz: (batch, length, 2 channels), what is scanned and the gate. The parameters of all directions are stacked: taps
    (directions, channels, width), conv_bias, D, dt_bias (directions, channels), projections (directions, channels +
    2 state, channels) to step sizes, B and C, A (directions, channels, state). Only where `scans_all_at_once`.
    """
    from SegMambaCore.scan.cuda_all_directions import scan_all_directions_cuda

    return scan_all_directions_cuda(xz, taps, conv_bias, projections, A, D, dt_bias, slices)


def scans_all_at_once(xz: Tensor, taps: int, state: int) -> bool:
    """Whether `scan_all_directions` can run for a tensor like xz."""
    x, z = xz.chunk(2, dim=-1)
    return _on_cuda(x, taps) and _on_cuda(z) and state <= 64 and xz.is_contiguous()


def to_scan_order(x: Tensor, direction: str, slices: int) -> Tensor:
    """Put tokens into the order in which a direction scans them."""
    if direction == "_b":
        return x.flip(1)
    if direction == "_s":
        return x.unflatten(1, (slices, -1)).transpose(1, 2).flatten(1, 2)
    return x


def to_token_order(y: Tensor, direction: str, slices: int) -> Tensor:
    """Put a direction's results back into the order of the tokens."""
    if direction == "_b":
        return y.flip(1)
    if direction == "_s":
        return y.unflatten(1, (-1, slices)).transpose(1, 2).flatten(1, 2)
    return y


def _on_cuda(x: Tensor, taps: int = 4) -> bool:
    if not kernels_work_on(x):
        return False
    from SegMambaCore.scan.cuda_directions import takes

    return takes(x, taps)
