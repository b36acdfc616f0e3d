"""The selective scan: one function, several back ends.

For every channel d and state n (Gu and Dao, arXiv 2312.00752, equations 2a, 2b with the discretisation of
section 3.2, simplified for B as in their code):

    h_t[d, n] = exp(dt_t[d] A[d, n]) h_{t-1}[d, n] + dt_t[d] B_t[n] u_t[d],    h_{-1} = 0
    y_t[d]    = sum_n C_t[n] h_t[d, n] + D[d] u_t[d]

With a dt_bias, softplus(dt + dt_bias[d]) stands for dt, as at the end of Mamba's projection to the step sizes.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.gpu.nvrtc import kernels_run_on

Backend = Literal["auto", "reference", "chunked", "numba", "cuda", "triton", "mamba_ssm"]
BACKENDS: tuple[str, ...] = get_args(Backend)


def selective_scan(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    dt_bias: Tensor | None = None,
    *,
    backend: Backend = "auto",
) -> Tensor:
    """Run the scan along the length axis and return y, (batch, length, channels) in u's dtype.

    u: input, (batch, length, channels). dt: step sizes, positive, or anything with a dt_bias, same shape. A:
    (channels, state), negative. B, C: (batch, length, state). D, dt_bias: (channels,). Channels are last everywhere:
    tokens lie in memory as the layers around the scan leave them.

    State, dt_bias and softplus are computed in float32, in float64 if u is float64. Every back end but numba is
    differentiable in all its tensors.

    Raises ValueError for an unknown back end, for one that cannot run here (naming the reason), and for
    shapes that do not belong together.
    """
    _check_shapes(u, dt, A, B, C, D, dt_bias)
    if u.device.type == "meta":  # no values, only shapes: somebody counts operations
        return torch.empty_like(u)
    if torch.compiler.is_compiling():
        backend = _backend_when_compiled(u)
    elif backend == "auto":
        backend = choose_backend(u, A.shape[1], needs_grad=_needs_grad(u, dt, A, B, C, D, dt_bias))
    else:
        needs_grad = _needs_grad(u, dt, A, B, C, D, dt_bias)
        reason = why_unavailable(backend, u, A.shape[1], needs_grad=needs_grad)
        if reason:
            raise ValueError(f"selective scan back end '{backend}' cannot run here: {reason}")
    if backend == "cuda":
        return _implementation(backend)(u, dt, A, B, C, D, dt_bias)
    if dt_bias is not None:
        # The sum in float32: rounded to float16 first, the softplus would lose small steps.
        exact = torch.promote_types(dt.dtype, torch.float32)
        dt = F.softplus(dt.to(exact) + dt_bias.to(exact))
    return _implementation(backend)(u, dt, A, B, C, D)


def scans_jointly(u: Tensor, state: int) -> bool:
    """Whether `selective_scan_joint` can run for a tensor like u and so many states: the back end is `cuda`."""
    if u.device.type != "cuda" or state > 64:
        return False
    if torch.compiler.is_compiling():
        return _backend_when_compiled(u) == "cuda"
    return why_unavailable("cuda", u, state, needs_grad=True) is None


def selective_scan_joint(u: Tensor, joint: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor) -> Tensor:
    """`selective_scan` whose dt, B and C lie beside each other: (batch, length, channels + 2 state), one projection.

    Nothing is copied, neither the three nor their gradients. Only where `scans_jointly`. Raises ValueError for shapes
    that do not belong together.
    """
    channels, state = A.shape
    dt, B, C = joint.split([channels, state, state], dim=-1)
    _check_shapes(u, dt, A, B, C, D, dt_bias)
    from SegMambaCore.scan.cuda_scan import scan_joint_cuda

    return scan_joint_cuda(u, joint, A, D, dt_bias)


def choose_backend(u: Tensor, state: int, *, needs_grad: bool) -> Backend:
    """Return the fastest back end that can run for a tensor like u and so many states on its device."""
    for candidate in ("cuda", "triton", "mamba_ssm", "numba"):
        if why_unavailable(candidate, u, state, needs_grad=needs_grad) is None:
            return candidate  # type: ignore[return-value]
    return "chunked"


def why_unavailable(backend: str, u: Tensor, state: int, *, needs_grad: bool) -> str | None:
    """Return why a back end cannot scan a tensor like u with so many states, or None if it can."""
    if backend not in BACKENDS:
        return f"there is no such back end; there are {', '.join(BACKENDS)}"
    if backend == "cuda":
        if u.device.type != "cuda" or torch.version.cuda is None:
            return f"it needs a tensor on an NVIDIA GPU, this one is on '{u.device}'"
        if u.dtype == torch.float64:
            return "its state is float32; use 'reference' or 'chunked' for float64"
        if state > 64:
            return f"it takes at most 64 states, there are {state}"
        if not kernels_run_on(u.device.index):
            return (
                "its kernels do not run here: CUDA's run-time compiler is missing, or the driver is too old"
            )
    if backend == "triton":
        if not _importable("triton"):
            return "triton is not installed"
        if u.device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
            return f"it needs a CUDA tensor, this one is on '{u.device}'"
        if u.dtype == torch.float64:
            return "its state is float32; use 'reference' or 'chunked' for float64"
        if u.device.type == "cuda" and not _triton_launches(u.device.index or 0):
            return "it cannot launch a kernel here (it needs a C compiler and Python's headers, or a newer driver)"
    if backend == "mamba_ssm":
        if u.device.type != "cuda":
            return f"it needs a CUDA tensor, this one is on '{u.device}'"
        if not _imports_cleanly("SegMambaCore.scan.mamba_ssm_scan"):
            return "mamba_ssm is not installed, or its import or its compiled part fails"
    if backend == "numba":
        if u.device.type != "cpu":
            return f"it needs a CPU tensor, this one is on '{u.device}'"
        if needs_grad:
            return "it is for inference and gives no gradients"
        if u.dtype != torch.float32:
            return f"it computes in float32, the input is {u.dtype}"
        if not _imports_cleanly("SegMambaCore.scan.numba_scan"):
            return "numba is not installed or its import fails"
    return None


def _implementation(backend: str) -> Callable[..., Tensor]:
    """Import a back end when it is first asked for: none of them may cost those who do not use it."""
    if backend == "reference":
        from SegMambaCore.scan.reference import scan_reference as scan
    elif backend == "chunked":
        from SegMambaCore.scan.chunked import scan_chunked as scan
    elif backend == "numba":
        from SegMambaCore.scan.numba_scan import scan_numba as scan
    elif backend == "cuda":
        from SegMambaCore.scan.cuda_scan import scan_cuda as scan
    elif backend == "triton":
        from SegMambaCore.scan.triton_scan import scan_triton as scan
    else:
        from SegMambaCore.scan.mamba_ssm_scan import scan_mamba_ssm as scan
    return scan


def _backend_when_compiled(u: Tensor) -> Backend:
    """torch.compile can't trace the search for packages, and sees through the registered operators alone."""
    if u.device.type != "cuda":
        return "chunked"
    return "cuda" if torch.version.cuda else "triton"


def _check_shapes(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor | None
) -> None:
    batch, length, channels = u.shape
    state = A.shape[-1]
    if length == 0:
        raise ValueError("selective scan: a sequence of no tokens")
    expected = {
        "dt": (dt, (batch, length, channels)),
        "A": (A, (channels, state)),
        "B": (B, (batch, length, state)),
        "C": (C, (batch, length, state)),
        "D": (D, (channels,)),
    }
    if dt_bias is not None:
        expected["dt_bias"] = (dt_bias, (channels,))
    for name, (tensor, shape) in expected.items():
        if tuple(tensor.shape) != shape:
            raise ValueError(f"selective scan: {name} has shape {tuple(tensor.shape)}, expected {shape}")


def _needs_grad(*tensors: Tensor | None) -> bool:
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


@cache
def _triton_launches(device: int) -> bool:
    """Whether a kernel runs on this GPU: Triton builds its launcher with the system's compiler, if there is one."""
    from SegMambaCore.scan.triton_scan import scan_triton

    one = torch.ones(1, 1, 1, device=f"cuda:{device}")
    try:
        with torch.no_grad():
            return bool(torch.isfinite(scan_triton(one, one, -one[0], one, one, one[0, 0])).all())
    except Exception:  # a missing compiler, header or driver feature each fail with a type of their own
        return False


@cache
def _importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@cache
def _imports_cleanly(module: str) -> bool:
    """Import a module that needs an optional package; a broken install counts as absent."""
    try:
        importlib.import_module(module)
    except Exception:  # a package built for another torch or CUDA fails with any type of error
        return False
    return True
