"""The same answers from a GPU, and the ladder with the real allocator."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SegMambaCore.errors import CancelledError
from SegMambaCore.inference import prepared_network
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.recorded_pass import RecordedPass
from SegMambaCore.inference.settings import InferenceSettings, Mirror
from SegMambaCore.network.build import build_network
from SegMambaCore.network.prepare import prepared

from .stand_ins import convolution, random_input, spec

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

PARITY = Path(__file__).parents[1] / "network" / "parity"


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return build_network("small", 4, 3)


def recorded_of(ready: PreparedNetwork) -> RecordedPass | None:
    assert ready._passes is not None
    return ready._passes._recorded


def recordings_of(ready: PreparedNetwork) -> int:
    return int(recorded_of(ready) is not None)


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
    """A pass over all of it would take 290 MB, one over a patch 37."""
    x = random_input((128, 128, 128)).numpy()
    in_patches = replace(spec(), patch=(64, 64, 64))
    result = predict(small_network(), in_patches, x, InferenceSettings("onepass", "none", device="cuda"))
    assert len(result.fallbacks) >= 2
    assert (result.settings_used.mode, result.settings_used.device) == ("windows", "cuda:0")
    assert np.isfinite(result.probabilities).all()


@pytest.mark.parametrize("mirror", ["leftright", "all"])
def test_recorded_passes_give_what_launched_ones_do(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = small_network(), random_input((40, 48, 33)).numpy()
    settings = InferenceSettings("windows", mirror, device="cuda")
    recorded = PreparedNetwork(network)
    first, second = (predict(recorded, spec(), x, settings) for _ in range(2))
    assert recordings_of(recorded) == 1
    monkeypatch.setattr(prepared_network, "WORTH_RECORDING", 10**9)
    launched = PreparedNetwork(network)
    expected = predict(launched, spec(), x, settings)
    assert recordings_of(launched) == 0
    for answer in (first, second):
        np.testing.assert_allclose(answer.probabilities, expected.probabilities, atol=2e-3)


def test_few_passes_are_not_recorded() -> None:
    ready = PreparedNetwork(small_network())
    predict(
        ready, spec(), random_input((16, 16, 16)).numpy(), InferenceSettings("windows", "all", device="cuda")
    )
    assert recordings_of(ready) == 0


def test_a_recording_serves_the_next_case_and_goes_with_its_shape() -> None:
    ready = PreparedNetwork(small_network())
    settings = InferenceSettings("windows", "all", device="cuda")
    predict(ready, spec(), random_input((40, 48, 33)).numpy(), settings)
    recording = recorded_of(ready)
    predict(ready, spec(), random_input((16, 24, 33)).numpy(), settings)  # other windows, as large
    assert recorded_of(ready) is recording
    predict(ready, spec(), random_input((12, 48, 33)).numpy(), settings)
    assert recorded_of(ready) is not recording


def test_a_warm_up_has_the_pass_recorded_and_changes_no_answer() -> None:
    ready, x = PreparedNetwork(small_network()), random_input((40, 48, 33)).numpy()
    settings = InferenceSettings("windows", "all", device="cuda")
    ready.warm_up(settings, spec())
    recording = recorded_of(ready)
    assert recording is not None
    answer = predict(ready, spec(), x, settings)
    assert recorded_of(ready) is recording
    expected = predict(small_network(), spec(), x, settings)
    np.testing.assert_allclose(answer.probabilities, expected.probabilities, atol=2e-3)


class AsksTheGpu(nn.Module):
    """Cannot be recorded: whether it adds depends on a value that the host must wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = convolution(3)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, 4, D, H, W) -> (B, 3, D, H, W)."""
        y = self.convolution(x)
        return y + 1 if y.sum().item() > -1e30 else y


def test_a_network_that_cannot_be_recorded_runs_as_it_is() -> None:
    network, x = AsksTheGpu(), random_input((40, 48, 33)).numpy()
    ready = PreparedNetwork(network)
    settings = InferenceSettings("windows", "all", device="cuda")
    answer = predict(ready, spec(), x, settings)
    assert recordings_of(ready) == 0 and answer.fallbacks == ()
    expected = predict(network, spec(), x, InferenceSettings("windows", "all", device="cpu"))
    np.testing.assert_allclose(answer.probabilities, expected.probabilities, atol=0.02)


def test_no_memory_for_a_recording_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(prepared_network, "RecordedPass", full)
    settings = InferenceSettings("windows", "all", device="cuda")
    answer = predict(small_network(), spec(), random_input((40, 48, 33)).numpy(), settings)
    assert answer.fallbacks == () and np.isfinite(answer.probabilities).all()


def test_the_network_stays_on_the_host_in_float32() -> None:
    network = small_network()
    predict(network, spec(), random_input((16, 16, 16)).numpy(), InferenceSettings(device="cuda"))
    assert {(p.device.type, p.dtype) for p in network.parameters()} == {("cpu", torch.float32)}


def test_progress_and_cancel_follow_the_gpu() -> None:
    told: list[int] = []
    settings = InferenceSettings("windows", "all", device="cuda")
    x = random_input((40, 48, 33)).numpy()
    predict(small_network(), spec(), x, settings, on_progress=lambda done, _all, _left: told.append(done))
    assert told == sorted(told) and told[-1] == 4 * 5 * 4 * 8
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    told.clear()
    with pytest.raises(CancelledError):
        predict(
            small_network(),
            spec(),
            x,
            settings,
            on_progress=lambda done, _all, _left: told.append(done),
            is_cancelled=is_cancelled,
        )
    assert len(told) <= 5


@pytest.mark.parametrize(("name", "gigabytes"), [("small", 0.6), ("tom", 1.2)])
def test_peak_memory_of_a_forward(name: str, gigabytes: float) -> None:
    ready = prepared(build_network(name, 4, 3), torch.device("cuda"), torch.float16)
    x = torch.randn(1, 4, 128, 128, 128, device="cuda").half().to(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        ready(x)
        torch.cuda.reset_peak_memory_stats()
        ready(x)
    assert torch.cuda.max_memory_allocated() < gigabytes * 1e9


@pytest.mark.parametrize("name", ["tom", "paper"])
def test_float16_is_as_exact_as_the_public_code_s(name: str) -> None:
    """Its own error against its own float32 is 2.6e-3 and 1.7e-3; half as much again is allowed."""
    module_spec = importlib.util.spec_from_file_location("seeded", PARITY / "seeded.py")
    assert module_spec and module_spec.loader
    seeded = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(seeded)
    shapes = json.loads((PARITY / f"state_dict_{name}.json").read_text(encoding="utf-8"))
    network = build_network(name)
    network.load_state_dict(
        {key: torch.from_numpy(seeded.seeded_array(key, shape)) for key, shape in shapes.items()}
    )
    x = torch.from_numpy(seeded.seeded_input(128)).cuda().half().to(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        logits = prepared(network, torch.device("cuda"), torch.float16)(x)
    expected = torch.from_numpy(np.load(PARITY / f"{name}_128.npz")["out"])
    error = (logits[0, :, ::4, ::4, ::4].float().cpu() - expected).norm() / expected.norm()
    print(f"{name}: float16 error {error:.2e}")
    assert error < 1.5 * {"tom": 2.6e-3, "paper": 1.7e-3}[name]
