"""The depth-wise causal convolution in front of the scan, with its activation."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional as F


def causal_conv_silu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return SiLU(b + sum_k w[k] x[t - width + 1 + k]), tokens before the first being zero.

    x: (batch, length, channels). weight: (channels, 1, width), as a depth-wise Conv1d keeps it. bias: (channels,).
    The output has x's shape and dtype.
    """
    needs_grad = torch.is_grad_enabled() and any(t.requires_grad for t in (x, weight, bias))
    if x.device.type == "cpu" and x.dtype == torch.float32 and not needs_grad and _numba_kernel():
        return _numba_kernel().causal_conv_silu_numba(x, weight, bias)  # type: ignore[union-attr]
    if x.device.type == "cuda" and not torch.compiler.is_compiling() and _causal_conv1d():
        # The package wants the length last; this layout of strides is the one it calls channel-last.
        y = _causal_conv1d().causal_conv1d_fn(  # type: ignore[union-attr]
            x.transpose(1, 2), weight[:, 0].to(x.dtype), bias.to(x.dtype), activation="silu"
        )
        return y.transpose(1, 2)
    return _shifted_sums(x, weight, bias)


def _shifted_sums(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """One multiply-add a tap on shifted views: torch.compile fuses all of it into one kernel."""
    length, width = x.shape[1], weight.shape[-1]
    padded = F.pad(x, (0, 0, width - 1, 0))
    y = bias + sum(weight[:, 0, k] * padded[:, k : k + length] for k in range(width))
    return F.silu(y).to(x.dtype)


@cache
def _numba_kernel() -> ModuleType | None:
    try:
        from SegMambaCore.scan import numba_conv
    except Exception:  # numba missing or broken: PyTorch does it
        return None
    return numba_conv


@cache
def _causal_conv1d() -> ModuleType | None:
    try:
        import causal_conv1d
        import causal_conv1d_cuda  # noqa: F401  built for another torch it fails here, not later
    except Exception:
        return None
    return causal_conv1d
