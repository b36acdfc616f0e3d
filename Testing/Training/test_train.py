"""The training loop with a tiny network on synthetic cases."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.network.segmamba import SegMamba
from Testing.Training.synthetic import synthetic_pack, tiny_config, tiny_network
from Training import objective
from Training import train as training
from Training.captured_step import with_gradients
from Training.case_pack import write_pack
from Training.config import Config
from Training.model_spec import model_spec
from Training.weight_average import WeightAverage

NAMES = ["a", "b", "c"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    torch.set_num_threads(1)
    monkeypatch.setattr(training, "build_network", tiny_network)
    monkeypatch.setattr(training, "STARTED", time.monotonic())
    monkeypatch.setattr(training, "FINISH_SECONDS", 0.3)
    for seed, name in enumerate(NAMES):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    yield tmp_path


def _train(
    config: Config, data: Path, *, seconds: float = 60.0, max_steps: int, resume: bool = False
) -> Path:
    output = data / "out"
    training.train(config, data, NAMES, output, seconds=seconds, resume=resume, max_steps=max_steps)
    return output


def _log(output: Path) -> list[dict[str, str]]:
    with (output / "training_log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("activation", "optimizer", "outputs"), [("sigmoid", "adamw", 3), ("softmax", "sgd", 4)]
)
def test_training_learns_and_writes_a_described_model(
    data: Path, activation: str, optimizer: str, outputs: int
) -> None:
    config = tiny_config(activation=activation, optimizer=optimizer, average_decay=0.9)
    first = float(_log(_train(config, data, max_steps=2))[-1]["loss_patch"])
    output = _train(config, data, max_steps=40)
    assert float(_log(output)[-1]["loss_patch"]) < first
    with safe_open(output / "model.safetensors", "pt") as file:
        spec = json.loads(file.metadata()["spec"])
        assert file.get_tensor("2.bias").shape == (outputs,)
    assert (spec["activation"], spec["normalisation"], spec["orientation"]) == (
        activation,
        "zscore_brain",
        "LPS",
    )
    assert "3 BraTS cases, 40 steps" in spec["training"]
    assert spec["cases"] == NAMES


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The schedule follows the clock: a constant one makes the two runs comparable.
    monkeypatch.setattr(training, "learning_rate", lambda *_: 1e-2)
    config = tiny_config()
    once = torch.load(_train(config, data, max_steps=8) / "checkpoint.pt", weights_only=True)
    _train(config, data, max_steps=5)
    twice = torch.load(_train(config, data, max_steps=8, resume=True) / "checkpoint.pt", weights_only=True)
    assert twice["progress"]["step"] == 8
    for kind in ("network", "average"):
        torch.testing.assert_close(twice[kind], once[kind])


def test_auxiliary_heads_train_and_resume_but_are_not_stored(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_name: str, in_channels: int, out_channels: int) -> SegMamba:
        return SegMamba("tom", in_channels, out_channels, widths=(4, 8, 8, 8), hidden=8)

    monkeypatch.setattr(training, "build_network", build)
    config = tiny_config(deep_supervision=0.5, patch=(32, 32, 32), whole=(32, 32, 32), batch_size=1)
    _train(config, data, max_steps=1)
    output = _train(config, data, max_steps=2, resume=True)
    with safe_open(output / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(build("", 4, 3).state_dict())
    state = torch.load(output / "checkpoint.pt", weights_only=True)
    assert state["progress"]["step"] == 2
    assert "heads.0.weight" in state["network"]


def test_changes_of_the_configuration_are_told_in_the_model_file(data: Path) -> None:
    config = tiny_config(p_whole=1.0)
    output = data / "out"
    changes = ["p_whole=1.0"]
    training.train(config, data, NAMES, output, seconds=60.0, resume=False, max_steps=1, changes=changes)
    with safe_open(output / "model.safetensors", "pt") as file:
        assert json.loads(file.metadata()["spec"])["training"].endswith("(16, 32, 16), p_whole=1.0")


def test_a_training_is_not_resumed_with_other_cases(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _train(tiny_config(), data, max_steps=2)
    monkeypatch.setitem(globals(), "NAMES", NAMES[:-1])
    with pytest.raises(SegMambaError, match="trained on 3 other cases than the 2 given"):
        _train(tiny_config(), data, max_steps=4, resume=True)


def test_the_minutes_are_not_exceeded(data: Path) -> None:
    started = time.monotonic()
    output = _train(tiny_config(), data, seconds=1.5, max_steps=10**9)
    assert 1.0 < time.monotonic() - started < 2.0
    assert (output / "model.safetensors").exists()
    assert float(_log(output)[-1]["step"]) > 3


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_step_without_finite_gradients_changes_nothing(optimizer: str) -> None:
    network = tiny_network("", 4, 3)
    optimiser = training._optimizer(network, tiny_config(optimizer=optimizer))
    before = [parameter.clone() for parameter in network.parameters()]

    def step(loss_of: Callable[[torch.Tensor], torch.Tensor]) -> float:
        with_gradients(lambda images, _: loss_of(network(images)), list(network.parameters()))(image, image)
        return training.guarded_step(network, optimiser, 12.0).item()

    image = torch.ones(1, 4, 4, 4, 4)
    assert step(lambda y: y.sum() * float("nan")) == 1.0
    for parameter, old in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
    assert step(lambda y: y.square().sum()) == 0.0
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    assert not torch.equal(next(network.parameters()), before[0])


def test_a_training_that_diverged_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "segmentation_loss", lambda logits, *_: logits.sum() * float("nan"))
    with pytest.raises(SegMambaError, match="diverged"):
        _train(tiny_config(), data, max_steps=3)


def test_a_training_can_begin_with_the_weights_of_a_model(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tiny_network("", 4, 3)
    spec = model_spec("sigmoid", training="yesterday's cases")
    monkeypatch.setattr(training, "read_model", lambda _: (begun, spec))
    arguments = {"seconds": 60.0, "start": data / "old", "resume": False, "max_steps": 0}
    training.train(tiny_config(), data, NAMES, data / "out", **arguments)  # type: ignore[arg-type]
    with safe_open(data / "out" / "model.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("0.weight"), begun[0].weight.half())
        assert "yesterday's cases" in json.loads(file.metadata()["spec"])["training"]
    with pytest.raises(SegMambaError, match="softmax"):
        training.train(tiny_config(activation="softmax"), data, NAMES, data / "out", **arguments)  # type: ignore[arg-type]


def test_missing_checkpoint_and_other_settings_are_named(data: Path) -> None:
    with pytest.raises(SegMambaError, match="no checkpoint"):
        _train(tiny_config(), data, max_steps=1, resume=True)
    _train(tiny_config(), data, max_steps=1)
    with pytest.raises(SegMambaError, match="other settings"):
        _train(tiny_config(seed=5), data, max_steps=2, resume=True)


@pytest.mark.parametrize("schedule", ["polynomial", "cosine"])
def test_learning_rate_warms_up_and_falls_to_zero(schedule: str) -> None:
    config = tiny_config(schedule=schedule, warmup_steps=10, learning_rate=1.0)
    assert training.learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert training.learning_rate(config, 10, 0.0) == 1.0
    rates = [training.learning_rate(config, 100, done / 10) for done in range(11)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == training.learning_rate(config, 100, 1.5) == 0.0


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
