"""The least work of a computation, against what can be counted by hand."""

import pytest
import torch
from torch import nn

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.benchmark.work import Work, count_work, lower_bound_ms, scan_work
from SegMambaCore.network.mamba_layer import MambaLayer

MACHINE = Machine("cpu", "a machine", "float32", copy_bytes=1e9, matrix_operations=1e12, exponentials=1e10)


def test_a_convolution_reads_and_writes_once_and_multiplies_for_every_tap():
    network = nn.Conv3d(4, 6, 3, padding=1, bias=False)
    x = torch.randn(2, 4, 8, 9, 10)
    with torch.no_grad():
        (step,) = count_work(lambda: network(x), network)
    voxels = 2 * 8 * 9 * 10
    assert step.operations == 2 * voxels * 6 * 4 * 27
    assert step.bytes == 4 * (voxels * 4 + voxels * 6 + 6 * 4 * 27)


def test_norms_and_activations_count_as_nothing():
    network = nn.Sequential(nn.InstanceNorm3d(4), nn.LeakyReLU(), nn.GELU())
    with torch.no_grad():
        assert count_work(lambda: network(torch.randn(1, 4, 5, 6, 7)), network) == []


def test_a_mamba_layer_counts_its_scans_in_every_direction():
    layer = MambaLayer(8, directions=("", "_b", "_s"))
    tokens = torch.randn(1, 30, 8)
    with torch.no_grad():
        steps = count_work(lambda: layer(tokens, slices=5), layer)
    scans = [step for step in steps if step.exponentials]
    assert scans == 3 * [scan_work(1, 30, 16, 16, 4, softplus=True)]
    # u, dt and y of 16 channels, B and C of 16 states, and softplus beside the 16 decays.
    assert scans[0] == Work(bytes=4 * 30 * (3 * 16 + 2 * 16), exponentials=30 * 16 * (16 + 2))
    products = sum(step.operations for step in steps)
    assert products == 2 * 30 * (8 * 32 + 3 * (16 * 33 + 1 * 16) + 16 * 8)


def test_a_training_step_counts_the_gradients_too():
    layer = MambaLayer(8, directions=("",))
    tokens = torch.randn(1, 30, 8, requires_grad=True)
    forward = count_work(lambda: layer(tokens, slices=5), layer)
    both = count_work(lambda: layer(tokens, slices=5).sum().backward(), layer, training=True)
    assert sum(step.exponentials for step in both) == 2 * sum(step.exponentials for step in forward)
    products = [sum(step.operations for step in steps) for steps in (forward, both)]
    assert products[1] == pytest.approx(3 * products[0], rel=0.2)  # a gradient for each factor


def test_the_scan_of_the_published_bound():
    """96 channels x 262,144 tokens in float16: 0.06 ms of bytes at 2,913 GB/s, as docs/results.md says."""
    step = scan_work(1, 262144, 96, 16, 2, softplus=False)
    assert 1000 * step.bytes / 2.913e12 == pytest.approx(0.06, abs=0.005)
    assert step.exponentials == 96 * 262144 * 16


def test_a_step_takes_the_longest_of_its_parts_and_steps_follow_one_another():
    assert lower_bound_ms([Work(2e9, 1e12, 1e10)], MACHINE) == pytest.approx(2000)
    assert lower_bound_ms([Work(1e9, 3e12, 1e10)], MACHINE) == pytest.approx(3000)
    assert lower_bound_ms([Work(0, 0, 5e10), Work(1e9)], MACHINE) == pytest.approx(6000)
