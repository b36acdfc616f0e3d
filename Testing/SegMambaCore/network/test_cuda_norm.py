"""The kernels of norm.cu, on a CPU, against PyTorch's instance norm in float64."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from SegMambaCore.network.cuda_norm import norm_add_act_cuda, takes

from ..gpu.emulation import emulated, needs_compiler  # noqa: F401

pytestmark = needs_compiler


def channels_last(*shape: int, seed: int = 0) -> torch.Tensor:
    # A mean far from zero: the variance must not be a difference of large numbers.
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3 + 40
    return x.contiguous(memory_format=torch.channels_last_3d)


def expected(x, residual, norm_residual, slope):
    y = F.instance_norm(x, eps=1e-5)
    if residual is not None:
        y = y + (F.instance_norm(residual, eps=1e-5) if norm_residual else residual)
    return F.leaky_relu(y, slope)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("slope", [1.0, 0.01, 0.0])
@pytest.mark.parametrize("norm_residual", [None, False, True], ids=["alone", "residual", "normed residual"])
@pytest.mark.parametrize("shape", [(2, 16, 3, 5, 7), (1, 48, 8, 9, 10), (1, 4, 1, 1, 3)], ids=str)
def test_values_and_gradients_equal_pytorch(shape, norm_residual, slope) -> None:
    x = channels_last(*shape).requires_grad_()
    residual = None if norm_residual is None else (channels_last(*shape, seed=1) - 40).requires_grad_()
    tensors = [t for t in (x, residual) if t is not None]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y = norm_add_act_cuda(x, residual, bool(norm_residual), slope, 1e-5)
    wanted = expected(exact[0], exact[1] if residual is not None else None, norm_residual, slope)
    assert (y - wanted).abs().max() < 2e-5
    weight = torch.randn_like(y)
    gradients = torch.autograd.grad((y * weight).sum(), tensors)
    for a, e in zip(gradients, torch.autograd.grad((wanted * weight.double()).sum(), exact), strict=True):
        # A value within rounding of zero may fall on the other side of the activation: left out.
        clear = (wanted.abs() > 1e-4) if slope != 1.0 else torch.ones_like(wanted, dtype=torch.bool)
        assert (a - e)[clear].abs().max() < 2e-4


@pytest.mark.usefixtures("emulated")
def test_bfloat16_is_rounded_once() -> None:
    x = channels_last(1, 16, 4, 5, 6).bfloat16()
    y = norm_add_act_cuda(x, None, False, 0.01, 1e-5)
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=torch.channels_last_3d)
    wanted = expected(x.double(), None, None, 0.01)
    assert ((y - wanted).abs() / wanted.abs().clamp_min(1e-3)).max() < 2**-8


def test_what_the_kernels_take() -> None:
    assert takes(channels_last(1, 16, 4, 4, 4))
    assert not takes(torch.zeros(1, 16, 4, 4, 4))  # channels first
    assert not takes(channels_last(1, 3, 4, 4, 4))
    assert not takes(channels_last(1, 16, 4, 4, 4).double())
    assert not takes(channels_last(1, 12, 4, 4, 4).bfloat16())
