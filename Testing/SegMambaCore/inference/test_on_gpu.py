"""The same answers from a GPU, and the ladder with the real allocator."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.network.build import build_network

from .stand_ins import convolution, random_input, spec

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("mode", ["windows", "onepass"])
@pytest.mark.parametrize("mirror", ["none", "all"])
def test_the_gpu_agrees_with_the_cpu(mode: str, mirror: str) -> None:
    torch.manual_seed(0)
    network, x = build_network("small", 4, 3), random_input((40, 48, 33)).numpy()
    on_cpu = predict(network, spec(), x, InferenceSettings(mode, mirror, device="cpu"))  # type: ignore[arg-type]
    on_gpu = predict(network, spec(), x, InferenceSettings(mode, mirror, device="cuda"))  # type: ignore[arg-type]
    assert on_gpu.settings_used.device == "cuda:0"
    assert on_gpu.fallbacks == ()
    np.testing.assert_allclose(on_gpu.probabilities, on_cpu.probabilities, atol=0.02)  # float16


def test_values_beyond_float16_are_computed_in_float32() -> None:
    network = convolution(1)
    x = random_input((8, 8, 8)).numpy() * 1e6
    result = predict(network, spec(), x, InferenceSettings(device="cuda"))
    expected = predict(network, spec(), x, InferenceSettings(device="cpu"))
    assert result.fallbacks == ("The network left the range of float16: computed in float32.",)
    np.testing.assert_allclose(result.probabilities, expected.probabilities, atol=1e-3)


@pytest.fixture
def little_gpu_memory() -> Iterator[None]:
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 200e6 / whole))
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.usefixtures("little_gpu_memory")
def test_exhausted_gpu_memory_goes_down_the_ladder() -> None:
    torch.manual_seed(0)
    network, x = build_network("small", 4, 3), random_input((96, 96, 96)).numpy()
    result = predict(network, spec(), x, InferenceSettings("onepass", "none", device="cuda"))
    assert len(result.fallbacks) >= 2
    assert result.settings_used.mode == "windows"
    assert np.isfinite(result.probabilities).all()
