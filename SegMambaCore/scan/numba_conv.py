"""The causal convolution with SiLU on a CPU: one pass over the tokens instead of one a tap."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor


def causal_conv_silu_numba(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """As `causal_conv_silu`, float32, without gradients."""
    x_ = x.detach().numpy()
    taps = np.ascontiguousarray(weight.detach()[:, 0].t().numpy())
    y = np.empty(x_.shape, np.float32)
    _conv(x_, taps, bias.detach().numpy(), y)
    return torch.nn.functional.silu(torch.from_numpy(y), inplace=True)


@njit(parallel=True, fastmath=True, cache=True, nogil=True)
def _conv(x, taps, bias, y):
    batch, length, channels = x.shape
    width = taps.shape[0]
    block = 1024
    blocks = (length + block - 1) // block
    for task in prange(batch * blocks):
        b = task // blocks
        first = (task % blocks) * block
        for t in range(first, min(first + block, length)):
            for c in range(channels):
                y[b, t, c] = bias[c]
            for k in range(max(0, width - 1 - t), width):
                for c in range(channels):
                    y[b, t, c] += taps[k, c] * x[b, t - width + 1 + k, c]
