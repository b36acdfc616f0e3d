"""Instance norm with what follows it: a residual to add and an activation.

Norms are the network's most frequent layer and bound by memory traffic, so on a CPU at inference (numba) and on an
NVIDIA GPU they run as kernels of our own: statistics in one pass, everything else in a second, without leaving the
channels-last layout that the convolutions like.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.gpu.nvrtc import kernels_work_on

EPS = 1e-5


def norm_act(x: Tensor, slope: float = 1.0) -> Tensor:
    """Instance norm without affine parameters, then leaky ReLU.

    x: (batch, channels, D, H, W); may be overwritten, so pass a tensor that nobody reads afterwards.
    slope: of the negative side; 0 is ReLU, 1 is no activation.
    """
    if _numba_can(x):
        return _numba_kernel().norm_act_numba(x, None, False, slope)  # type: ignore[union-attr]
    if _cuda_can(x):
        from SegMambaCore.network.cuda_norm import norm_add_act_cuda

        return norm_add_act_cuda(x, None, False, slope, EPS)
    return _activate(_normalise(x), slope)


def norm_add_act(x: Tensor, residual: Tensor, *, norm_residual: bool, slope: float) -> Tensor:
    """Leaky ReLU of norm(x) + residual, or of norm(x) + norm(residual). x may be overwritten."""
    if _numba_can(x) and _numba_can(residual):
        return _numba_kernel().norm_act_numba(x, residual, norm_residual, slope)  # type: ignore[union-attr]
    if _cuda_can(x):
        from SegMambaCore.network.cuda_norm import norm_add_act_cuda

        return norm_add_act_cuda(x, residual, norm_residual, slope, EPS)
    return _activate(_normalise(x) + (_normalise(residual) if norm_residual else residual), slope)


def add(x: Tensor, y: Tensor) -> Tensor:
    """x + y; x may be overwritten."""
    return x + y if torch.is_grad_enabled() else x.add_(y)


def _normalise(x: Tensor) -> Tensor:
    if not torch.compiler.is_compiling():
        return F.instance_norm(x, eps=EPS)
    # The library's operator makes the compiler copy a channels-last tensor; the formula fuses with its neighbours.
    var, mean = torch.var_mean(x.float(), dim=(2, 3, 4), correction=0, keepdim=True)
    return ((x - mean) * torch.rsqrt(var + EPS)).to(x.dtype)


def _activate(x: Tensor, slope: float) -> Tensor:
    if slope == 1.0:
        return x
    return F.relu(x) if slope == 0.0 else F.leaky_relu(x, slope)


def _numba_can(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not (torch.is_grad_enabled() and x.requires_grad)
        and x.is_contiguous(memory_format=torch.channels_last_3d)
        and _numba_kernel() is not None
    )


def _cuda_can(x: Tensor) -> bool:
    if not kernels_work_on(x):
        return False
    from SegMambaCore.network.cuda_norm import takes

    return takes(x)


@cache
def _numba_kernel() -> ModuleType | None:
    try:
        from SegMambaCore.network import numba_norm
    except Exception:  # numba missing or broken: PyTorch does it
        return None
    return numba_norm
