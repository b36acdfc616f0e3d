"""The kernels of layer_norm.cu against PyTorch's layer norm in float64: on a CPU, and on a GPU where there is one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from SegMambaCore.network.cuda_layer_norm import layer_norm_cuda, takes
from SegMambaCore.network.layer_norm import LayerNorm

from ..gpu.emulation import emulated, needs_compiler  # noqa: F401

EPS = 1e-5


def check(x: torch.Tensor, tolerance: float) -> None:
    channels = x.shape[-1]
    g = torch.Generator().manual_seed(1)
    weight, bias, by = (
        torch.randn(*shape, generator=g).to(x.device) for shape in ((channels,), (channels,), x.shape)
    )
    tensors = [t.requires_grad_() for t in (x, weight, bias)]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y, wanted = layer_norm_cuda(*tensors, EPS), F.layer_norm(exact[0], (channels,), *exact[1:], EPS)
    assert y.dtype == x.dtype
    gradients = torch.autograd.grad((y * by).sum(), tensors)
    expected = torch.autograd.grad((wanted * by.double()).sum(), exact)
    for a, e in zip((y, *gradients), (wanted, *expected), strict=True):
        assert (a - e).norm() <= tolerance * e.norm()


def tokens(*shape: int) -> torch.Tensor:
    # A mean far from zero: the variance must not be a difference of large numbers.
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 3 + 40


# One row; rows that fill no block; rows of a lane, of several and of a warp.
@needs_compiler
@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", [(1, 1, 48), (2, 301, 48), (1, 50, 64), (1, 70, 4), (1, 9, 384)], ids=str)
def test_values_and_gradients_equal_pytorch(shape) -> None:
    check(tokens(*shape), 2e-5)


@needs_compiler
@pytest.mark.usefixtures("emulated")
def test_bfloat16_is_rounded_once() -> None:
    check(tokens(1, 40, 48).bfloat16(), 4e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("channels", [16, 32, 48, 96, 192, 384])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.float16, 1e-3), (torch.bfloat16, 6e-3)]
)
def test_on_a_gpu(channels: int, dtype: torch.dtype, tolerance: float) -> None:
    x = tokens(2, 30011, channels).to("cuda", dtype)
    check(x, tolerance)
    layer = LayerNorm(channels).cuda()
    with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
        first, second = layer(x), layer(x)
    assert first.dtype == dtype
    assert torch.equal(first, second)


def test_what_the_kernels_take() -> None:
    assert takes(torch.zeros(1, 3, 48))
    assert takes(torch.zeros(1, 3, 384).half())
    assert not takes(torch.zeros(1, 48, 3).transpose(1, 2))
    assert not takes(torch.zeros(1, 3, 6))
    assert not takes(torch.zeros(1, 3, 28 * 4))  # 7 fours for each of 4 lanes: too many values for a thread
    assert not takes(torch.zeros(1, 3, 48).double())
