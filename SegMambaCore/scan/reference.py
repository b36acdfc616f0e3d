"""The definition of the scan, token by token: slow, plain, in the precision it is given."""

from __future__ import annotations

import torch
from torch import Tensor


def scan_reference(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Return y as `selective_scan` defines it; autograd differentiates the loop itself."""
    precision = torch.float64 if u.dtype == torch.float64 else torch.float32
    u_, dt_, A_, B_, C_, D_ = (t.to(precision) for t in (u, dt, A, B, C, D))
    batch, length, channels = u.shape
    h = u_.new_zeros(batch, channels, A.shape[1])
    ys = []
    for t in range(length):
        step = dt_[:, t, :, None]  # (batch, channels, 1)
        h = torch.exp(step * A_) * h + step * B_[:, t, None, :] * u_[:, t, :, None]
        ys.append((h * C_[:, t, None, :]).sum(-1) + D_ * u_[:, t])
    return torch.stack(ys, dim=1).to(u.dtype)
