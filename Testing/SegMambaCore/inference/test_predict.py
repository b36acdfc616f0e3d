"""Windows, mirrors and one pass against the network itself and MONAI's sliding window."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from numpy.typing import NDArray
from torch import Tensor, nn

from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.inference.pass_progress import TIME_SHARES
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.network.build import build_network

from .stand_ins import convolution, random_input, spec

ONE_PASS = InferenceSettings(mode="onepass", mirror="none", device="cpu")
WINDOWS = InferenceSettings(mode="windows", mirror="none", device="cpu")


def probabilities(logits: Tensor) -> NDArray[np.float32]:
    return torch.sigmoid(logits.detach()).numpy()


@pytest.mark.parametrize("shape", [(16, 16, 16), (25, 40, 33), (9, 16, 30), (7, 5, 3)])
def test_one_pass_is_the_network(shape: tuple[int, int, int]) -> None:
    network, x = convolution(3), random_input(shape)
    result = predict(network, spec(), x.numpy(), ONE_PASS)
    np.testing.assert_allclose(result.probabilities, probabilities(network(x[None])[0]), atol=1e-6)
    assert result.probabilities.dtype == np.float32
    assert result.window == shape
    assert result.fallbacks == ()


@pytest.mark.parametrize("shape", [(16, 16, 16), (25, 40, 33), (32, 17, 24)])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.7])
def test_windows_are_monai_s(shape: tuple[int, int, int], overlap: float) -> None:
    network, x = convolution(3), random_input(shape)
    settings = InferenceSettings(mode="windows", mirror="none", overlap=overlap, device="cpu")
    result = predict(network, spec(), x.numpy(), settings)
    expected = sliding_window_inference(x[None], (16, 16, 16), 3, network, overlap=overlap, mode="gaussian")
    np.testing.assert_allclose(result.probabilities, probabilities(expected[0]), atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 40, 33), (7, 5, 3)])
def test_windows_shrink_to_a_small_tensor_instead_of_padding_it(shape: tuple[int, int, int]) -> None:
    network, x = convolution(1), random_input(shape)
    result = predict(network, spec(), x.numpy(), WINDOWS)
    np.testing.assert_allclose(result.probabilities, probabilities(network(x[None])[0]), atol=1e-6)
    assert result.window == tuple(min(16, length) for length in shape)


@pytest.mark.parametrize("mode", ["windows", "onepass"])
def test_all_mirrors_average_the_eight_reflections(mode: str) -> None:
    # 24 voxels and windows of 16 at half overlap: a symmetric layout, so flipping the whole volume is the
    # same.
    network, x = convolution(3), random_input((24, 24, 24))[None]
    mean = torch.zeros(1, 3, 24, 24, 24)
    for flip in ([], [2], [3], [4], [2, 3], [2, 4], [3, 4], [2, 3, 4]):
        flipped = x.flip(flip)
        logits = (
            sliding_window_inference(flipped, (16, 16, 16), 1, network, overlap=0.5, mode="gaussian")
            if mode == "windows"
            else network(flipped)
        )
        mean += logits.flip(flip) / 8
    settings = InferenceSettings(mode=mode, mirror="all", device="cpu")  # type: ignore[arg-type]
    result = predict(network, spec(), x[0].numpy(), settings)
    np.testing.assert_allclose(result.probabilities, probabilities(mean[0]), atol=1e-5)


def test_leftright_averages_logits_not_probabilities() -> None:
    network, x = convolution(3), random_input((10, 11, 12))[None]
    expected = (network(x) + network(x.flip(4)).flip(4)) / 2
    result = predict(network, spec(), x[0].numpy(), InferenceSettings("onepass", "leftright", device="cpu"))
    np.testing.assert_allclose(result.probabilities, probabilities(expected[0]), atol=1e-6)


def test_softmax_sums_to_one() -> None:
    network, x = convolution(3), random_input((10, 11, 12))
    result = predict(network, spec(activation="softmax"), x.numpy(), ONE_PASS)
    np.testing.assert_allclose(
        result.probabilities, torch.softmax(network(x[None])[0], 0).detach().numpy(), atol=1e-6
    )


class Counting(nn.Module):
    """Answers 3 everywhere and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        """x (B, 4, D, H, W) -> (B, 3, D, H, W)."""
        self.calls += x.shape[0]
        return torch.full((x.shape[0], 3, *x.shape[2:]), 3.0)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_patches_without_brain_are_background_and_cost_nothing(activation: str) -> None:
    x = np.zeros((4, 16, 16, 48), np.float32)
    x[:, 4:12, 4:12, 0:8] = 1.0
    network = Counting()
    result = predict(network, spec("zscore_brain", activation), x, WINDOWS)  # type: ignore[arg-type]
    assert network.calls == 1  # windows start at 0, 8, 16, 24, 32 along W; only the first holds brain
    far = result.probabilities[:, :, :, 24:]
    if activation == "sigmoid":
        assert far.max() < 1e-4
        np.testing.assert_allclose(result.probabilities[:, 8, 8, 0], 1 / (1 + math.exp(-3)), atol=1e-5)
    else:
        assert far[0].min() > 0.999 and far[1:].max() < 1e-4


def test_zero_is_no_background_where_the_whole_crop_was_normalised() -> None:
    network = Counting()
    predict(network, spec("zscore_crop"), np.zeros((4, 16, 16, 32), np.float32), WINDOWS)
    assert network.calls == 3


def test_an_empty_tensor_of_background_runs_nothing() -> None:
    network = Counting()
    result = predict(network, spec("zscore_brain"), np.zeros((4, 8, 8, 8), np.float32), ONE_PASS)
    assert network.calls == 0
    assert result.probabilities.max() < 1e-4


def test_progress_counts_windows_times_mirrors() -> None:
    told: list[tuple[int, int, float]] = []
    settings = InferenceSettings("windows", "leftright", device="cpu")
    predict(
        convolution(3),
        spec(),
        random_input((16, 16, 32)).numpy(),
        settings,
        on_progress=lambda *e: told.append(e),
    )
    assert [(done, total) for done, total, _ in told] == [(n, 6) for n in range(1, 7)]
    assert all(left >= 0 for *_, left in told)
    assert told[-1][2] == 0


def test_progress_moves_inside_one_pass() -> None:
    told: list[tuple[int, int, float]] = []
    x = random_input((32, 32, 32)).numpy()
    predict(build_network("small", 4, 3), spec(), x, ONE_PASS, on_progress=lambda *e: told.append(e))
    done = [event[0] for event in told]
    assert done == sorted(set(done)) and done[-1] == 100
    assert max(np.diff([0, *done])) <= 25
    assert {total for _, total, _ in told} == {100}


@pytest.mark.parametrize("name", ["small", "paper"])
def test_the_shares_of_time_name_modules_in_the_order_they_return(name: str) -> None:
    returned: list[str] = []
    network = build_network(name, 4, 3)
    for module_name, module in network.named_modules():
        module.register_forward_hook(lambda *_, module_name=module_name: returned.append(module_name))
    with torch.inference_mode():
        network(torch.zeros(1, 4, 32, 32, 32))
    known = [step for step in TIME_SHARES if step in returned]
    assert known == [step for step in returned if step in TIME_SHARES]
    assert name == "paper" or known == list(TIME_SHARES)


@pytest.mark.parametrize("settings", [WINDOWS, ONE_PASS])
def test_cancel_stops_before_the_next_module(settings: InferenceSettings) -> None:
    calls = 0

    def is_cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 1

    with pytest.raises(CancelledError):
        predict(
            nn.Sequential(nn.Conv3d(4, 4, 1), nn.Conv3d(4, 3, 1), nn.Identity()),
            spec(),
            random_input((24, 24, 24)).numpy(),
            settings,
            is_cancelled=is_cancelled,
        )
    assert calls == 2


def test_hooks_are_gone_after_a_cancel() -> None:
    network = convolution(3)
    with pytest.raises(CancelledError):
        predict(network, spec(), random_input((16, 16, 16)).numpy(), ONE_PASS, is_cancelled=lambda: True)
    assert all(not module._forward_hooks for module in network.modules())


def test_the_network_can_be_trained_afterwards() -> None:
    network = convolution(3)
    predict(network, spec(), random_input((16, 16, 16)).numpy(), ONE_PASS)
    network(random_input((16, 16, 16))[None]).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_not_finite_output_is_named() -> None:
    network = convolution(1)
    with torch.no_grad():
        network[0].bias[0] = math.nan  # type: ignore[index]
    with pytest.raises(SegMambaError, match="not finite"):
        predict(network, spec(), random_input((8, 8, 8)).numpy(), ONE_PASS)


@pytest.mark.parametrize("shape", [(3, 8, 8, 8), (8, 8, 8), (1, 4, 8, 8, 8)])
def test_a_tensor_that_does_not_fit_the_spec_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        predict(convolution(1), spec(), np.zeros(shape, np.float32), ONE_PASS)


def test_the_cpu_s_defaults_are_one_pass_without_mirrors() -> None:
    result = predict(
        convolution(1), spec(), random_input((20, 20, 20)).numpy(), InferenceSettings(device="cpu")
    )
    assert result.settings_used == ONE_PASS


def test_the_gpu_s_defaults_are_windows_with_all_mirrors() -> None:
    resolved = InferenceSettings().resolved("cuda:0")
    assert (resolved.mode, resolved.mirror, resolved.device) == ("windows", "all", "cuda:0")


@pytest.mark.parametrize("overlap", [-0.1, 1.0, math.nan])
def test_overlap_out_of_range(overlap: float) -> None:
    with pytest.raises(ValueError, match="overlap"):
        InferenceSettings(overlap=overlap)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:1", ""])
def test_unknown_device(device: str) -> None:
    with pytest.raises(SegMambaError, match="unknown"):
        predict(convolution(1), spec(), np.zeros((4, 8, 8, 8), np.float32), InferenceSettings(device=device))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_cuda_without_a_gpu_is_explained() -> None:
    with pytest.raises(SegMambaError, match="--device cpu"):
        predict(convolution(1), spec(), np.zeros((4, 8, 8, 8), np.float32), InferenceSettings(device="cuda"))
