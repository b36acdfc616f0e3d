"""The copy that inference works with computes what the network does."""

from __future__ import annotations

import pytest
import torch

from SegMambaCore.network.prepare import copy_onto, prepared
from SegMambaCore.network.segmamba import SegMamba

CPU = torch.device("cpu")


def network_of(encoder: str) -> SegMamba:
    """The design of the networks, with fewer channels at the bottom."""
    torch.manual_seed(0)
    network = SegMamba(encoder, 4, 3, widths=(16, 16, 16, 32), hidden=32)
    return network.eval().to(memory_format=torch.channels_last_3d)


def volume() -> torch.Tensor:
    x = torch.randn(1, 4, 32, 32, 32, generator=torch.Generator().manual_seed(1))
    return x.contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("name", ["tom", "paper"])
def test_in_float32_it_is_the_network(name: str) -> None:
    network, x = network_of(name), volume()
    with torch.inference_mode():
        assert torch.allclose(prepared(network, CPU, torch.float32)(x), network(x), atol=1e-5)


def test_its_rounding_is_that_of_autocast() -> None:
    """bfloat16, which a CPU computes as well; float16 differs in its digits alone."""
    network, x = network_of("tom"), volume()
    exact = network_of("tom").double()
    with torch.inference_mode():
        expected = exact(x.double())
        with torch.autocast("cpu", torch.bfloat16):
            of_autocast = network(x)
        answer = prepared(network, CPU, torch.bfloat16)(x.bfloat16())
    assert answer.dtype == torch.bfloat16

    def error(y: torch.Tensor) -> float:
        return float((y.double() - expected).norm() / expected.norm())

    assert error(answer) < 1.2 * error(of_autocast)


def test_step_sizes_and_decays_keep_float32_and_everything_else_does_not() -> None:
    ready = prepared(network_of("tom"), CPU, torch.float16)
    exact = {name for name, parameter in ready.named_parameters() if parameter.dtype == torch.float32}
    layer = {name.rpartition("mamba.")[2] for name in exact}
    assert layer == {
        *("A_log", "A_b_log", "A_s_log", "D", "D_b", "D_s"),
        *(f"conv1d{suffix}.{kind}" for suffix in ("", "_b", "_s") for kind in ("weight", "bias")),
        *(f"dt_proj{suffix}.bias" for suffix in ("", "_b", "_s")),
    }
    assert all("mamba." in name for name in exact)


def test_the_network_stays_as_it_was() -> None:
    network = network_of("tom")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    ready = prepared(network, CPU, torch.float32)
    with torch.no_grad():
        for parameter in ready.parameters():
            parameter.zero_()
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(parameter.requires_grad and not parameter.is_inference() for parameter in network.parameters())


def test_a_copy_has_parameters_and_buffers_of_its_own() -> None:
    original = torch.nn.Sequential(torch.nn.Conv3d(1, 2, 1), torch.nn.BatchNorm3d(2))
    there = copy_onto(original, CPU, lambda _name, tensor: tensor.dtype)
    assert not there.training
    for a, b in zip(original.state_dict().values(), there.state_dict().values(), strict=True):
        assert torch.equal(a, b) and a.data_ptr() != b.data_ptr()


def test_at_the_peak_four_tensors_of_full_resolution_are_alive() -> None:
    """The skip and the upsampled half beside it, the first convolution and the residual of both: see `UpBlock`."""
    network, x = network_of("tom"), torch.zeros(1, 4, 80, 80, 32).to(memory_format=torch.channels_last_3d)
    whole = 16 * x[0, 0].numel() * 4
    assert 4 * whole <= _peak_bytes(lambda: network(x)) < 4.5 * whole


def _peak_bytes(call) -> int:
    """Of all tensors alive at a time while the call runs, seen by the profiler of PyTorch's allocator."""
    cpu = torch.profiler.ProfilerActivity.CPU
    with torch.inference_mode(), torch.profiler.profile(activities=[cpu], profile_memory=True) as profile:
        call()
    alive = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            alive += event.nbytes()
            peak = max(peak, alive)
    return peak
