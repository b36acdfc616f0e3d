"""Batches, mirrors and the place of the sums change nothing but the time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from SegMambaCore.errors import CancelledError
from SegMambaCore.inference.blend import blended_logits
from SegMambaCore.inference.ladder import Plan
from SegMambaCore.inference.mirrors import mirror_axes
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.progress import IsCancelled, OnProgress
from SegMambaCore.inference.settings import InferenceSettings, Mirror
from SegMambaCore.inference.windows import gaussian_weights, window_boxes

from .stand_ins import convolution, random_input, spec

WINDOW = (16, 16, 16)


class Seen(torch.nn.Module):
    """A convolution that remembers the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = convolution(3)
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        """x (B, 4, D, H, W) -> (B, 3, D, H, W)."""
        self.batches.append(len(x))
        return self.convolution(x)


def blended(
    network: torch.nn.Module,
    x: Tensor,
    batch: int,
    mirror: Mirror,
    *,
    dtype: torch.dtype = torch.float32,
    on_progress: OnProgress | None = None,
    is_cancelled: IsCancelled = lambda: False,
) -> Tensor:
    plan = Plan(InferenceSettings("windows", mirror, device="cpu"), WINDOW, batch, True, False)
    passes = PreparedNetwork(network).passes_on(torch.device("cpu"), half=False)
    passes.dtype = dtype
    return blended_logits(passes, spec("zscore_brain"), x.numpy(), plan, on_progress, is_cancelled)


def expected(network: torch.nn.Module, x: Tensor, mirror: Mirror) -> Tensor:
    """One patch at a time in float64, as the formula says."""
    weights = gaussian_weights(WINDOW).double()
    sums, total = torch.zeros(3, *x.shape[1:], dtype=torch.float64), torch.zeros(x.shape[1:]).double()
    for d, h, w in window_boxes((x.shape[1], x.shape[2], x.shape[3]), WINDOW, 0.5):
        for axes in mirror_axes(mirror, "LPS"):
            flipped = x[:, d, h, w][None].flip(axes)
            sums[:, d, h, w] += network(flipped).flip(axes)[0].double() * weights
            total[d, h, w] += weights
    return sums / total


@pytest.mark.parametrize("mirror", ["none", "leftright", "all"])
@pytest.mark.parametrize("batch", [1, 3, 8, 100])
def test_batches_of_any_size_give_the_formula(batch: int, mirror: Mirror) -> None:
    network, x = convolution(3), random_input((25, 16, 33))
    with torch.no_grad():
        torch.testing.assert_close(
            blended(network, x, batch, mirror).double(), expected(network, x, mirror), atol=1e-5, rtol=1e-5
        )


def test_float16_outputs_are_weighted_and_summed_in_float32() -> None:
    network, x = convolution(3), random_input((25, 16, 33))
    exact = expected(network, x, "all")
    answer = blended(_Rounded(network), x, 8, "all")
    assert answer.dtype == torch.float32
    # Sixty-four roundings average out; sums in float16 would be off by some thousandths.
    assert (answer - exact).abs().max() < 1e-3


class _Rounded(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).half()


@pytest.mark.parametrize(
    ("shape", "mirror", "most", "sizes"),
    [
        ((24, 24, 24), "all", 8, [8] * 8),  # a box and its reflections in each
        ((16, 16, 48), "leftright", 8, [5, 5]),  # ten patches: even, so that the second can be replayed
        ((16, 16, 40), "none", 3, [2, 2]),
        ((16, 16, 16), "all", 3, [3, 3, 2]),
    ],
)
def test_batches_are_as_few_and_as_even_as_can_be(
    shape: tuple[int, int, int], mirror: Mirror, most: int, sizes: list[int]
) -> None:
    network = Seen()
    blended(network, random_input(shape), most, mirror)
    assert network.batches == sizes


def test_patches_without_brain_are_in_no_batch() -> None:
    x = np.zeros((4, 16, 16, 48), np.float32)
    x[:, :, :, 2] = 1.0
    network = Seen()
    blended(network, torch.from_numpy(x), 8, "all")
    assert network.batches == [8]


def test_progress_counts_patches_batch_by_batch() -> None:
    told: list[tuple[int, int]] = []
    blended(
        Seen(),
        random_input((16, 16, 32)),
        8,
        "all",
        on_progress=lambda done, all_, _: told.append((done, all_)),
    )
    assert told == [(8, 24), (16, 24), (24, 24)]


def test_a_cancel_is_asked_for_in_every_batch() -> None:
    network = Seen()
    cancelled: Callable[[], bool] = lambda: len(network.batches) >= 2  # noqa: E731
    with pytest.raises(CancelledError):
        blended(network, random_input((24, 24, 24)), 8, "all", is_cancelled=cancelled)
    assert len(network.batches) == 2
