"""The training loop with a tiny network on synthetic cases."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from SegMambaCore.errors import SegMambaError
from SegMambaCore.network.segmamba import SegMamba
from Testing.Training.synthetic import synthetic_pack, tiny_config, tiny_network
from Training import objective, schedule, starting_network
from Training import train as training
from Training.case_pack import write_pack
from Training.config import Config
from Training.model_spec import model_spec
from Training.schedule import Budget

NAMES = ["a", "b", "c"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    torch.set_num_threads(1)
    monkeypatch.setattr(starting_network, "build_network", tiny_network)
    monkeypatch.setattr(schedule, "FINISH_SECONDS", 0.3)
    for seed, name in enumerate(NAMES):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    yield tmp_path


def _train(
    config: Config,
    data: Path,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    resume: bool = False,
    output: str = "out",
) -> Path:
    folder = data / output
    budget = Budget(steps, seconds)
    training.train(config, data, NAMES, folder, budget, resume=resume, started=time.monotonic())
    return folder


def _log(output: Path) -> list[dict[str, str]]:
    with (output / "training_log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("activation", "optimizer", "outputs"), [("sigmoid", "adamw", 3), ("softmax", "sgd", 4)]
)
def test_training_learns_and_writes_a_described_model(
    data: Path, activation: str, optimizer: str, outputs: int
) -> None:
    output = _train(
        tiny_config(activation=activation, optimizer=optimizer, average_decay=0.9, p_whole=0.0),
        data,
        steps=40,
    )
    losses = [float(row["loss_patch"]) for row in _log(output)]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    with safe_open(output / "model.safetensors", "pt") as file:
        spec = json.loads(file.metadata()["spec"])
        assert file.get_tensor("2.bias").shape == (outputs,)
    assert (spec["activation"], spec["normalisation"], spec["orientation"]) == (
        activation,
        "zscore_brain",
        "LPS",
    )
    assert "3 cases, 40 steps" in spec["training"]
    assert spec["cases"] == NAMES


def test_the_minutes_are_not_exceeded(data: Path) -> None:
    started = time.monotonic()
    output = _train(tiny_config(), data, seconds=2.5)
    assert 1.8 < time.monotonic() - started < 3.0
    assert (output / "model.safetensors").exists()
    assert float(_log(output)[-1]["step"]) > 3


def test_the_same_seed_gives_the_same_weights_and_another_one_others(data: Path) -> None:
    augmented = {"p_noise": 1.0, "p_elastic": 1.0, "p_rotation": 1.0}
    first, again, other = (
        _train(tiny_config(seed=seed, augmented=augmented), data, steps=4, output=name) / "model.safetensors"
        for seed, name in ((1, "first"), (1, "again"), (2, "other"))
    )
    weights = [safe_open(path, "pt").get_tensor("0.weight") for path in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_batches_that_move_the_weights_together_equal_one_large_batch(data: Path) -> None:
    of = {"loss": replace(tiny_config().loss, kind="cross_entropy"), "p_whole": 0.0}
    large = _train(tiny_config(batch_size=4, batches_per_step=1, **of), data, steps=3, output="large")
    small = _train(tiny_config(batch_size=1, batches_per_step=4, **of), data, steps=3, output="small")
    (row,) = _log(small)
    assert float(row["steps_per_second"]) * float(row["trained_seconds"]) == pytest.approx(3, rel=0.1)
    for name in ("0.weight", "2.bias"):
        torch.testing.assert_close(
            *(safe_open(run / "model.safetensors", "pt").get_tensor(name).float() for run in (large, small)),
            atol=1e-3,  # half precision
            rtol=1e-3,
        )
    assert float(_log(large)[-1]["loss_patch"]) == pytest.approx(
        float(_log(small)[-1]["loss_patch"]), rel=1e-5
    )


def test_the_curve_is_in_tensorboard_too_with_pictures(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PICTURE_STEPS", 10)
    output = _train(tiny_config(p_whole=0.5), data, steps=23)
    events = EventAccumulator(str(output / "tensorboard")).Reload()
    for column in ("loss_patch", "loss_whole", "learning_rate", "input_share"):
        logged = [float(row[column]) for row in _log(output)]
        assert [event.value for event in events.Scalars(column)] == pytest.approx(logged)
    assert all(0 < float(row["input_share"]) < 1 for row in _log(output))
    assert [event.step for event in events.Images("sample")] == [10, 20, 23]  # and at the end
    assert imread(output / "pictures" / "step_00000023.png").shape[:2] == (16, 3 * 16)


def test_a_training_that_diverged_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "segmentation_loss", lambda logits, *_, **__: logits.sum() * float("nan"))
    with pytest.raises(SegMambaError, match="diverged"):
        _train(tiny_config(), data, steps=3)


def test_a_training_can_begin_with_the_weights_of_a_model(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tiny_network("", 4, 3)
    spec = model_spec("sigmoid", training="yesterday's cases")
    monkeypatch.setattr(starting_network, "read_model", lambda _: (begun, spec))
    training.train(tiny_config(), data, NAMES, data / "out", Budget(0, None), start=data / "old")
    with safe_open(data / "out" / "model.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("0.weight"), begun[0].weight.half())
        assert "yesterday's cases" in json.loads(file.metadata()["spec"])["training"]
    softmax = tiny_config(activation="softmax")
    with pytest.raises(SegMambaError, match="softmax"):
        training.train(softmax, data, NAMES, data / "other", Budget(0, None), start=data / "old")


def test_auxiliary_heads_train_and_resume_but_are_not_stored(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_name: str, in_channels: int, out_channels: int) -> SegMamba:
        return SegMamba("tom", in_channels, out_channels, widths=(4, 8, 8, 8), hidden=8)

    monkeypatch.setattr(starting_network, "build_network", build)
    blank = np.zeros(
        (16, 48, 3), dtype=np.uint8
    )  # a real one would compile the network's kernels for inference
    monkeypatch.setattr(training.SamplePicture, "draw", lambda *_: blank)
    config = tiny_config(deep_supervision=0.5, patch=(32, 32, 32), whole=(32, 32, 32), batch_size=1)
    _train(config, data, steps=1)
    output = _train(config, data, steps=2, resume=True)
    with safe_open(output / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(build("", 4, 3).state_dict())
    saved = torch.load(output / "checkpoints" / "step_00000002.pt", weights_only=True)["state"]
    assert saved["progress"]["step"] == 2
    assert "heads.0.weight" in saved["network"]


def test_changes_of_the_configuration_are_told_in_the_model_file(data: Path) -> None:
    changes = ["p_whole=1.0"]
    training.train(tiny_config(p_whole=1.0), data, NAMES, data / "out", Budget(1, None), changes=changes)
    with safe_open(data / "out" / "model.safetensors", "pt") as file:
        assert json.loads(file.metadata()["spec"])["training"].endswith("(16, 32, 16), p_whole=1.0")
