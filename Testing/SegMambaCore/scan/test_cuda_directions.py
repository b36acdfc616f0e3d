"""The kernels of directions.cu, on a CPU, against flips and transposes in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from SegMambaCore.scan.causal_conv import causal_conv_silu
from SegMambaCore.scan.cuda_directions import DIRECTIONS, convolve_cuda, gather_cuda, takes

from ..gpu.emulation import emulated, needs_compiler  # noqa: F401

pytestmark = needs_compiler

SLICES = 5


def in_order(x: Tensor, direction: str) -> Tensor:
    if direction == "_b":
        return x.flip(1)
    return x.unflatten(1, (SLICES, -1)).transpose(1, 2).flatten(1, 2) if direction == "_s" else x


def back_in_order(y: Tensor, direction: str) -> Tensor:
    if direction == "_b":
        return y.flip(1)
    return y.unflatten(1, (-1, SLICES)).transpose(1, 2).flatten(1, 2) if direction == "_s" else y


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("direction", DIRECTIONS, ids=["forward", "reverse", "inter-slice"])
@pytest.mark.parametrize(("batch", "length", "channels"), [(2, 35, 8), (1, 5, 20), (1, 10, 264)])
def test_convolution_and_its_gradients(batch: int, length: int, channels: int, direction: str) -> None:
    xz = normal(batch, length, 2 * channels).requires_grad_()  # x is the first half of wider rows
    weight, bias = normal(channels, 1, 4, seed=1).requires_grad_(), normal(channels, seed=2).requires_grad_()
    exact = [t.detach().double().requires_grad_() for t in (xz, weight, bias)]
    y = convolve_cuda(xz[..., :channels], weight, bias, direction, SLICES)
    wanted = causal_conv_silu(in_order(exact[0][..., :channels], direction), exact[1], exact[2])
    assert (y - wanted).abs().max() < 1e-5
    by = normal(*y.shape, seed=3)
    gradients = torch.autograd.grad((y * by).sum(), (xz, weight, bias))
    for a, e in zip(gradients, torch.autograd.grad((wanted * by.double()).sum(), exact), strict=True):
        assert (a - e).abs().max() < 1e-4


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("directions", [DIRECTIONS, DIRECTIONS[:2]], ids=["three", "two"])
def test_gated_sum_and_its_gradients(directions: tuple[str, ...]) -> None:
    batch, length, channels = 2, 35, 12
    results = [normal(batch, length, channels, seed=n).requires_grad_() for n in range(len(directions))]
    xz = normal(batch, length, 2 * channels, seed=9).requires_grad_()
    exact = [t.detach().double().requires_grad_() for t in (*results, xz)]
    out = gather_cuda(dict(zip(directions, results, strict=True)), xz[..., channels:], SLICES)
    total = sum(back_in_order(y, direction) for y, direction in zip(exact, directions, strict=False))
    wanted = total * torch.nn.functional.silu(exact[-1][..., channels:])
    assert (out - wanted).abs().max() < 1e-5
    by = normal(*out.shape, seed=3)
    gradients = torch.autograd.grad((out * by).sum(), (*results, xz))
    for a, e in zip(gradients, torch.autograd.grad((wanted * by.double()).sum(), exact), strict=True):
        assert (a - e).abs().max() < 1e-5


def test_what_the_kernels_take() -> None:
    assert takes(normal(1, 5, 16), 4)
    assert takes(normal(1, 5, 16)[..., 8:], 4)
    assert not takes(normal(1, 5, 16)[..., 1:9], 4)  # no 16-byte load begins there
    assert not takes(normal(1, 5, 6), 4)
    assert not takes(normal(1, 5, 16), 3)
