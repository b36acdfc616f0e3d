"""A Mamba layer on a GPU, all directions as one operator, against the layer on a CPU in float64."""

from __future__ import annotations

import copy

import pytest
import torch

from SegMambaCore.network import mamba_layer
from SegMambaCore.network.mamba_layer import MambaLayer
from SegMambaCore.scan.directions import scans_all_at_once

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a.double().cpu() - b.cpu()).norm() / b.norm().clamp_min(1e-30)).item()


def run(layer: MambaLayer, tokens: torch.Tensor, by: torch.Tensor, dtype: torch.dtype) -> list[torch.Tensor]:
    """The output and all gradients."""
    half = dtype in (torch.float16, torch.bfloat16)
    with torch.autocast(
        tokens.device.type, dtype if half else torch.bfloat16, enabled=half, cache_enabled=False
    ):
        y = layer(tokens, 10)
    return [y, *torch.autograd.grad((y * by).sum(), [tokens, *layer.parameters()])]


def in_float64(layer: MambaLayer, tokens: torch.Tensor, by: torch.Tensor) -> list[torch.Tensor]:
    return run(copy.deepcopy(layer).double(), tokens.double().requires_grad_(), by.double(), torch.float64)


@pytest.mark.parametrize("directions", [("", "_b", "_s"), ("", "_b")], ids=["three", "two"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.float16, 1e-2), (torch.bfloat16, 6e-2)]
)
def test_output_and_gradients(directions, dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    layer, tokens, by = MambaLayer(48, directions), torch.randn(2, 300, 48), torch.randn(2, 300, 48)
    exact = in_float64(layer, tokens, by)
    layer, tokens, by = layer.cuda(), tokens.cuda().to(dtype).requires_grad_(), by.cuda()
    with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
        assert scans_all_at_once(layer.in_proj(tokens), 4, 16)
    actual = run(layer, tokens, by, dtype)
    names = ["y", "tokens", *dict(layer.named_parameters())]
    for name, a, e in zip(names, actual, exact, strict=True):
        assert relative_error(a, e) < tolerance, name
    for a, again in zip(actual, run(layer, tokens, by, dtype), strict=True):
        assert torch.equal(a, again)


def test_no_less_exact_than_one_direction_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, tokens, by = MambaLayer(32, ("", "_b", "_s")), torch.randn(1, 1000, 32), torch.randn(1, 1000, 32)
    exact = in_float64(layer, tokens, by)
    layer, tokens, by = layer.cuda(), tokens.cuda().bfloat16().requires_grad_(), by.cuda()
    at_once = run(layer, tokens, by, torch.bfloat16)
    for name in ("scans_all_at_once", "scans_jointly"):  # neither one operator nor one projection
        monkeypatch.setattr(mamba_layer, name, lambda *_: False)
    in_steps = run(layer, tokens, by, torch.bfloat16)
    for a, b, e in zip(at_once, in_steps, exact, strict=True):
        assert relative_error(a, e) < 1.5 * relative_error(b, e) + 1e-4


def test_a_recorded_step_and_an_inference() -> None:
    torch.manual_seed(0)
    layer, tokens = MambaLayer(48, ("", "_b", "_s")).cuda(), torch.randn(1, 2000, 48, device="cuda").half()
    by = torch.randn_like(tokens)
    tokens.requires_grad_()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        expected = run(layer, tokens, by, torch.float16)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        recorded = run(layer, tokens, by, torch.float16)
    graph.replay()
    for a, e in zip(recorded, expected, strict=True):
        assert torch.equal(a, e)
    with torch.inference_mode(), torch.autocast("cuda", torch.float16):
        assert torch.equal(layer(tokens, 10), expected[0])
