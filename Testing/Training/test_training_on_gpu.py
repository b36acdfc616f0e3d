"""The training loop on a GPU: recorded steps, several GPUs, the same twice, and no waiting."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from SegMambaCore.gpu import nvrtc
from SegMambaCore.scan import selective_scan
from Testing.Training import train_tiny_network
from Testing.Training.synthetic import synthetic_pack, tiny_config
from Training import train as training
from Training.case_pack import write_pack
from Training.cases import open_cases
from Training.config import Config, write_config
from Training.disk_cases import DiskCases
from Training.schedule import Budget

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

NAMES = ["a", "b"]
STEPS = 20


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for seed, name in enumerate(NAMES):
        write_pack(synthetic_pack(name, (70, 66, 72), seed), tmp_path)
    return tmp_path


def _config(**changes: object) -> Config:
    sizes = {"network": "small", "patch": (64, 64, 64), "whole": (64, 80, 64), "warmup_steps": 1}
    augmented = {"p_noise": 0.5, "p_rotation": 0.5, "p_elastic": 0.5, "p_gamma": 0.5}
    return tiny_config(augmented=augmented, deterministic=True, **(sizes | changes))


def _train(config: Config, data: Path, output: str, *, resume: bool = False) -> dict[str, Any]:
    training.train(config, data, NAMES, data / output, Budget(STEPS, None), resume=resume)
    return _state(data / output)


def _state(output: Path) -> dict[str, Any]:
    newest = max((output / "checkpoints").glob("step_*.pt"))
    state: dict[str, Any] = torch.load(newest, map_location="cpu", weights_only=True)["state"]
    return state


def _assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, tensor in expected["network"].items():
        assert torch.equal(found["network"][name], tensor), name


def test_the_same_seed_gives_the_same_weights_also_after_an_interruption(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(checkpoint_seconds=0.0)
    expected = _train(config, data, "first")
    _assert_same(_train(config, data, "again"), expected)

    left = iter(range(7))
    set_learning_rate: Callable[..., None] = training.set_learning_rate

    def interrupted(*arguments: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        set_learning_rate(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(training, "set_learning_rate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _train(config, data, "interrupted")
    _assert_same(_train(config, data, "interrupted", resume=True), expected)


def test_the_loop_never_waits_for_the_gpu(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded_step = training.guarded_step
    steps = 0

    def watched(*arguments: Any) -> torch.Tensor:
        nonlocal steps
        steps += 1
        # The first row of the log takes memory that is locked, which waits; later rows take the same again.
        torch.cuda.set_sync_debug_mode("error" if 11 < steps < STEPS else "default")
        return guarded_step(*arguments)

    monkeypatch.setattr(training, "guarded_step", watched)
    try:
        _train(_config(checkpoint_seconds=1e9), data, "watched")
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def _no_room_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(torch.cuda, "mem_get_info", lambda *_: (0, 0))
        yield


def test_cases_in_the_hosts_memory_and_on_the_disk_are_the_same(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = torch.device("cuda")
    near, disk = open_cases(data, NAMES, device), DiskCases(data, NAMES, device, workers=1)
    with _no_room_on_the_gpu(monkeypatch):
        far = open_cases(data, NAMES, device)
    assert ["GPU" in near.where, "host" in far.where] == [True, True]
    box = (slice(3, 60), slice(0, 66), slice(40, 72))
    disk.expect([(0, box), (1, box)])
    for case in range(2):
        expected = near.crop(case, box)
        for other in (far, disk):
            assert all(torch.equal(a, b) for a, b in zip(other.crop(case, box), expected, strict=True))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus_equal_one_with_all_batches(data: Path) -> None:
    cross_entropy = replace(tiny_config().loss, kind="cross_entropy")
    # Not AdamW, whose first steps go as far along a gradient that is all rounding as along any other.
    config = _config(batches_per_step=2, loss=cross_entropy, optimizer="sgd", learning_rate=1e-3)
    write_config(config, data / "config.yaml")
    script = Path(train_tiny_network.__file__).parents[2] / "Training" / "train.py"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    options = ["--config", data / "config.yaml", "--data", data, "--output", data / "two"]
    command = [*torchrun, script, *options, "--steps", STEPS, "--all"]
    subprocess.run(list(map(str, command)), check=True, timeout=300)
    one, two = _train(config, data, "one"), _state(data / "two")
    for name, tensor in one["average"].items():
        torch.testing.assert_close(two["average"][name], tensor, rtol=2e-2, atol=2e-3)


@contextmanager
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only PyTorch's own operators: the chunked scan, its convolutions and norms."""
    with monkeypatch.context() as patched:
        for module in (nvrtc, selective_scan):
            patched.setattr(module, "kernels_run_on", lambda _: False)
        patched.setattr(selective_scan, "_triton_launches", lambda _: False)
        patched.setattr(selective_scan, "_imports_cleanly", lambda _: False)
        yield


def _losses(config: Config, data: Path, output: str, steps: int) -> np.ndarray:
    training.train(config, data, NAMES, data / output, Budget(steps, None))
    with (data / output / "training_log.csv").open() as rows:
        return np.array([float(row["loss_patch"]) for row in csv.DictReader(rows)])


@pytest.mark.slow
def test_the_loss_falls_as_it_does_with_pytorchs_operators(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(deterministic=False, checkpoint_seconds=1e9, p_whole=0.0, learning_rate=1e-3)
    fast = _losses(config, data, "fast", 200)
    other_seed = _losses(replace(config, seed=config.seed + 1), data, "other seed", 200)
    with without_kernels(monkeypatch):
        reference = _losses(config, data, "reference", 200)
    noise = np.abs(fast - other_seed).mean()
    assert reference[-5:].mean() < 0.7 * reference[:2].mean(), "it has learnt something"
    assert np.abs(fast - reference).mean() < noise
    assert abs(fast[-5:].mean() - reference[-5:].mean()) < 0.05 * reference[-5:].mean()
