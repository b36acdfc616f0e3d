"""Steps that move the weights, steps that must not, and the average of the weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from Testing.Training.synthetic import tiny_config, tiny_network
from Training.captured_step import with_gradients, zero_gradients
from Training.optimizer import guarded_step, make_optimizer
from Training.weight_average import WeightAverage


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_a_step_without_finite_gradients_changes_nothing(kind: str) -> None:
    network = tiny_network("", 4, 3)
    optimizer = make_optimizer(network, tiny_config(optimizer=kind))
    before = [parameter.clone() for parameter in network.parameters()]

    def step(loss_of: Callable[[torch.Tensor], torch.Tensor]) -> float:
        zero_gradients(network)
        with_gradients(lambda images, _: loss_of(network(images)))(image, image)
        return guarded_step(network, optimizer, 12.0).item()

    image = torch.ones(1, 4, 4, 4, 4)
    assert step(lambda y: y.sum() * float("nan")) == 1.0
    for parameter, old in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
    assert step(lambda y: y.square().sum()) == 0.0
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    assert not torch.equal(next(network.parameters()), before[0])


def test_average_of_constant_weights_is_them_and_lags_behind_changes() -> None:
    network = nn.Linear(2, 1, bias=False)
    average = WeightAverage(network, 0.9)
    for step in range(200):
        average.update(network, step)
    torch.testing.assert_close(average.network.weight, network.weight.detach())
    with torch.no_grad():
        network.weight += 1
    average.update(network, 200)
    torch.testing.assert_close(network.weight.detach() - average.network.weight, torch.full((1, 2), 0.9))


def test_without_an_average_the_weights_themselves_are_written() -> None:
    network = nn.Linear(2, 1)
    average = WeightAverage(network, 0.0)
    with torch.no_grad():
        network.weight += 1
    average.update(network, 0)
    assert torch.equal(average.network.weight, network.weight)
