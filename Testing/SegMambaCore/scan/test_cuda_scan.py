"""The CUDA kernels of scan.cu without a GPU: compiled for the CPU, against the reference."""

from __future__ import annotations

import pytest
import torch

from SegMambaCore.network import mamba_layer
from SegMambaCore.network.mamba_layer import MambaLayer
from SegMambaCore.scan import cuda_scan
from SegMambaCore.scan.reference import scan_reference
from SegMambaCore.scan.selective_scan import selective_scan_joint

from ..gpu.emulation import emulated, needs_compiler  # noqa: F401

pytestmark = needs_compiler


def draw(batch: int, length: int, channels: int, state: int, dt_bias: bool) -> list[torch.Tensor]:
    """u, dt, A, B, C, D and, if wanted, dt_bias, float32."""
    g = torch.Generator().manual_seed(length)
    normal = lambda *shape: torch.randn(*shape, generator=g)  # noqa: E731
    dt = (
        normal(batch, length, channels) - 2
        if dt_bias
        else torch.rand(batch, length, channels, generator=g) * 0.3
    )
    tensors = [
        normal(batch, length, channels),
        dt,
        -torch.rand(channels, state, generator=g) * 8 - 0.01,
        normal(batch, length, state),
        normal(batch, length, state),
        normal(channels),
    ]
    return [*tensors, normal(channels)] if dt_bias else tensors


def reference(u, dt, A, B, C, D, dt_bias=None) -> torch.Tensor:
    return scan_reference(
        u, dt if dt_bias is None else torch.nn.functional.softplus(dt + dt_bias), A, B, C, D
    )


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a.double() - b.double()).norm() / b.double().norm().clamp_min(1e-30)).item()


# One token; a chunk's end and one beyond; several chunks; channels that fill no warp, states that fill no quad;
# more channels than a block of the backward takes; every way that states are laid over the lanes.
SHAPES = [
    (1, 1, 3, 4),
    (2, 77, 20, 16),
    (1, 33, 35, 5),
    (1, 16, 40, 1),
    (1, 49, 70, 16),
    (1, 40, 9, 32),
    (1, 21, 6, 64),
]


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    ("shape", "softplus"), [*((shape, True) for shape in SHAPES), *((shape, False) for shape in SHAPES[:2])]
)
def test_forward_and_gradients_equal_the_reference(shape: tuple[int, ...], softplus: bool) -> None:
    tensors = [t.requires_grad_() for t in draw(*shape, softplus)]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y, expected = cuda_scan.scan_cuda(*tensors), reference(*exact)
    assert relative_error(y, expected) < 1e-6
    weight = torch.randn_like(y)
    gradients = torch.autograd.grad((y * weight).sum(), tensors)
    wanted = torch.autograd.grad((expected * weight.double()).sum(), exact)
    for name, a, e in zip(["u", "dt", "A", "B", "C", "D", "dt_bias"], gradients, wanted, strict=False):
        assert (a - e).norm() <= 3e-6 * e.norm() + 1e-6, name


@pytest.mark.usefixtures("emulated")
def test_bfloat16_in_and_out_keeps_a_float32_state() -> None:
    u, dt, A, B, C, D = draw(1, 70, 33, 16, False)
    halves = [u.bfloat16(), dt * 0.01, A, B.bfloat16(), C.bfloat16(), D]
    y = cuda_scan.scan_cuda(*halves)
    assert y.dtype == torch.bfloat16
    assert relative_error(y, reference(*[t.double() for t in halves])) < 4e-3  # one rounding, of the output


@pytest.mark.usefixtures("emulated")
def test_bfloat16_gradients_are_as_exact_as_their_format() -> None:
    u, dt, A, B, C, D, bias = draw(1, 30, 40, 16, True)
    halves = [t.bfloat16() if t.ndim == 3 else t for t in (u, dt, A, B, C, D, bias)]
    tensors = [t.requires_grad_() for t in halves]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y, expected = cuda_scan.scan_cuda(*tensors), reference(*exact)
    weight = torch.randn_like(expected).bfloat16()
    gradients = torch.autograd.grad((y * weight).sum(), tensors)
    wanted = torch.autograd.grad((expected * weight.double()).sum(), exact)
    for name, a, e in zip(["u", "dt", "A", "B", "C", "D", "dt_bias"], gradients, wanted, strict=True):
        rounded_once = relative_error(e.to(a.dtype), e)
        assert relative_error(a, e) < 1.1 * rounded_once + 1e-5, name


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("shift", "scale"), [(-20.0, 1.0), (40.0, 1.0), (0.0, 30.0)])
def test_extreme_steps_keep_their_relative_precision(shift: float, scale: float) -> None:
    u, dt, A, B, C, D, bias = draw(1, 40, 16, 4, True)
    tensors = [t.requires_grad_() for t in (u, dt * scale + shift, A, B, C, D, bias)]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y, expected = cuda_scan.scan_cuda(*tensors), reference(*exact)
    skip = exact[5] * exact[0]
    assert (
        relative_error(y.double() - skip, expected - skip) < 1e-4 or shift < 0
    )  # tiny steps: D u stands above all
    gradients = torch.autograd.grad(y.sum(), tensors)
    wanted = torch.autograd.grad(expected.sum(), exact)
    for name, a, e in zip(["u", "dt", "A", "B", "C", "D", "dt_bias"], gradients, wanted, strict=True):
        assert relative_error(a, e) < 1e-4, name


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", [(2, 21, 20, 16), (1, 19, 35, 5)], ids=str)
def test_step_sizes_B_and_C_may_be_parts_of_one_tensor(shape: tuple[int, ...]) -> None:
    u, dt, A, B, C, D, bias = draw(*shape, True)
    joint = torch.cat([dt, B, C], dim=-1)
    tensors = [t.requires_grad_() for t in (u, joint, A, D, bias)]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y = selective_scan_joint(*tensors)
    dt, B, C = exact[1].split([shape[2], shape[3], shape[3]], dim=-1)
    expected = reference(exact[0], dt, exact[2], B, C, exact[3], exact[4])
    assert relative_error(y, expected) < 1e-6
    weight = torch.randn_like(y)
    gradients = torch.autograd.grad((y * weight).sum(), tensors)
    wanted = torch.autograd.grad((expected * weight.double()).sum(), exact)
    for name, a, e in zip(["u", "joint", "A", "D", "dt_bias"], gradients, wanted, strict=True):
        assert (a - e).norm() <= 3e-6 * e.norm() + 1e-6, name


@pytest.mark.usefixtures("emulated")
def test_parts_of_a_wider_tensor_need_no_copy() -> None:
    u, dt, A, B, C, D = draw(2, 20, 12, 8, False)
    dt, B, C = torch.cat([dt, B, C, dt], dim=-1).split([12, 8, 8, 12], dim=-1)[:3]
    expected = reference(*[t.double() for t in (u, dt, A, B, C, D)])
    assert relative_error(cuda_scan.scan_cuda(u, dt, A, B, C, D), expected) < 1e-6


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("at_once", [False, True], ids=["projection", "all directions"])
def test_a_layer_computes_the_same_in_one(at_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, tokens = MambaLayer(16, ("", "_b", "_s") if at_once else ("", "_s")), torch.randn(2, 24, 16)
    tensors = {"tokens": tokens.requires_grad_(), **dict(layer.named_parameters())}
    expected = layer(tokens, 4)
    weight = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * weight).sum(), list(tensors.values()))
    name = "scans_all_at_once" if at_once else "scans_jointly"
    monkeypatch.setattr(mamba_layer, name, lambda *_: True)
    y = layer(tokens, 4)
    assert relative_error(y, expected) < 2e-6
    with torch.no_grad():
        assert relative_error(layer(tokens, 4), y) < 2e-6  # the convolution in front may be another one
    gradients = torch.autograd.grad((y * weight).sum(), list(tensors.values()))
    for name, a, e in zip(tensors, gradients, wanted, strict=True):
        assert relative_error(a, e) < 1e-5, name
