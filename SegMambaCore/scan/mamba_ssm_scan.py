"""The scan of the `mamba_ssm` package, where somebody could build it. Importing this fails where it is absent."""

from __future__ import annotations

import selective_scan_cuda  # noqa: F401  the package can be built without its kernel and imports all the same
from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
from torch import Tensor


def scan_mamba_ssm(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Return y as `selective_scan` defines it. The package wants the length last and A, D in float32."""
    y = selective_scan_fn(
        u.transpose(1, 2).contiguous(),
        dt.transpose(1, 2).to(u.dtype).contiguous(),
        A.float(),
        B.transpose(1, 2).to(u.dtype).contiguous(),
        C.transpose(1, 2).to(u.dtype).contiguous(),
        D.float(),
    )
    return y.transpose(1, 2)
