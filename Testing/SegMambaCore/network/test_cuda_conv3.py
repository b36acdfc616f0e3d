"""The kernels of conv3.cu against PyTorch's convolution in float64: on a CPU, and on a GPU where there is one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.network import cuda_conv3
from SegMambaCore.network.cuda_conv3 import convolve3_cuda, takes

from ..gpu.emulation import emulated, needs_compiler  # noqa: F401

ROUNDING = 2**-8  # of bfloat16


@needs_compiler
@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    ("batch", "inputs", "outputs", "shape", "hopper"),
    [
        (1, 16, 16, (3, 4, 9), False),
        (1, 32, 48, (4, 8, 8), True),
        pytest.param(2, 32, 16, (3, 4, 9), False, marks=pytest.mark.slow),
        pytest.param(1, 16, 32, (9, 8, 5), False, marks=pytest.mark.slow),
        pytest.param(1, 32, 48, (8, 8, 8), False, marks=pytest.mark.slow),
    ],
)
def test_kernels_equal_the_convolution(
    batch: int,
    inputs: int,
    outputs: int,
    shape: tuple[int, int, int],
    hopper: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cuda_conv3, "_is_hopper", lambda device: hopper)
    x, weight, bias, dy = _case(batch, inputs, outputs, shape, torch.bfloat16, "cpu")
    _check(x, weight, bias, dy, tolerance=ROUNDING)


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize(
    ("batch", "inputs", "outputs", "shape"),
    [
        (1, 48, 48, (96, 96, 96)),
        (2, 16, 16, (93, 64, 90)),
        (1, 32, 16, (128, 96, 97)),
        (1, 16, 48, (96, 104, 101)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gpu_equals_the_convolution(
    batch: int, inputs: int, outputs: int, shape: tuple[int, int, int], dtype: torch.dtype
) -> None:
    x, weight, bias, dy = _case(batch, inputs, outputs, shape, dtype, "cuda")
    assert takes(x, weight)
    _check(x, weight, bias, dy, tolerance=2**-11 if dtype == torch.float16 else ROUNDING)


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("wide", [16, 32, 48])
def test_gpu_gives_the_same_bits_again_with_every_width_of_a_block(
    wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_conv3, "_width_of_block", lambda device, outputs: wide)
    x, weight, bias, dy = _case(1, 96, 96, (48, 48, 56), torch.float16, "cuda")
    _check(x, weight, bias, dy, tolerance=2**-11)
    first, again = (_gradients(x, weight, bias, dy) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@gpu
@pytest.mark.gpu
def test_gpu_takes_what_it_is_faster_at() -> None:
    x = torch.zeros(1, 16, 96, 96, 96, device="cuda", dtype=torch.float16)
    channels_last = x.contiguous(memory_format=torch.channels_last_3d)
    weight = torch.zeros(16, 16, 3, 3, 3)
    assert takes(channels_last, weight)
    assert not takes(x, weight), "channels come first"
    assert not takes(channels_last.float(), weight), "float32"
    assert not takes(channels_last[:, :8], weight[:, :8]), "8 channels"
    assert not takes(channels_last[..., :8, :8, :8].contiguous(memory_format=torch.channels_last_3d), weight)
    with torch.autocast("cuda", torch.bfloat16):
        assert takes(channels_last.float(), weight)
        assert convolve3_cuda(channels_last.float(), weight.cuda(), None).dtype == torch.bfloat16


def _case(
    batch: int, inputs: int, outputs: int, shape: tuple[int, int, int], dtype: torch.dtype, device: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(inputs + outputs)

    def random(*size: int) -> Tensor:
        return torch.randn(size, generator=generator)

    last = torch.channels_last_3d
    x = random(batch, inputs, *shape).to(device, dtype).contiguous(memory_format=last).requires_grad_()
    weight = (random(outputs, inputs, 3, 3, 3) / (27 * inputs) ** 0.5).to(device, dtype).requires_grad_()
    bias = random(outputs).to(device).requires_grad_()
    dy = random(batch, outputs, *shape).to(device, dtype).contiguous(memory_format=last)
    return x, weight, bias, dy


def _check(x: Tensor, weight: Tensor, bias: Tensor | None, dy: Tensor, *, tolerance: float) -> None:
    """Output and gradients against float64, relative to the largest value; the only rounding is of what is stored."""
    exact = [None if t is None else t.detach().double().requires_grad_() for t in (x, weight, bias)]
    expected = F.conv3d(exact[0], exact[1], exact[2], padding=1)  # type: ignore[arg-type]
    wanted = [expected, *torch.autograd.grad(expected, [t for t in exact if t is not None], dy.double())]
    for ours, right in zip(_gradients(x, weight, bias, dy), wanted, strict=True):
        assert ours.shape == right.shape
        error = (ours.double() - right).abs().max() / right.abs().max()
        assert error < tolerance


def _gradients(x: Tensor, weight: Tensor, bias: Tensor | None, dy: Tensor) -> list[Tensor]:
    y = convolve3_cuda(x, weight, bias)
    return [y, *torch.autograd.grad(y, [t for t in (x, weight, bias) if t is not None], dy)]
