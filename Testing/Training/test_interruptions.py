"""A training that is killed, or that finds no room or a damaged file, loses nothing but the last few steps."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from SegMambaCore.errors import DiskFullError, SegMambaError
from Testing.Training import train_tiny_network
from Testing.Training.synthetic import synthetic_pack, tiny_config, tiny_network
from Training import starting_network
from Training import train as training
from Training.case_pack import pack_path, write_pack
from Training.config import Config, write_config
from Training.optimizer import set_learning_rate
from Training.schedule import Budget

NAMES = ["a", "b", "c"]
SCRIPT = Path(train_tiny_network.__file__)
EXACT = ("step", "learning_rate", "loss_patch", "loss_whole", "skipped")
"""What an interruption must not change in the loss curve; the other columns are times."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setattr(starting_network, "build_network", tiny_network)
    for seed, name in enumerate(NAMES):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    return tmp_path


def _train(config: Config, data: Path, output: str, steps: int, *, resume: bool = False) -> Path:
    training.train(config, data, NAMES, data / output, Budget(steps, None), resume=resume)
    return data / output


def _stop_after(steps: int) -> Callable[..., None]:
    """Stands in for `set_learning_rate`."""
    left = iter(range(steps))

    def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        set_learning_rate(optimizer, rate)

    return set_rate


def _curve(output: Path) -> list[list[str]]:
    with (output / "training_log.csv").open(encoding="utf-8") as file:
        return [[row[name] for name in EXACT] for row in csv.DictReader(file)]


def _checkpoints(output: Path) -> list[Path]:
    return sorted((output / "checkpoints").glob("step_*.pt"))


def _last(output: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(_checkpoints(output)[-1], weights_only=True)["state"]
    return state


def _assert_same_end(found: Path, expected: Path) -> None:
    assert _curve(found) == _curve(expected)
    for part in ("network", "average"):
        for name, tensor in _last(expected)[part].items():
            assert torch.equal(_last(found)[part][name], tensor), (part, name)


def test_killed_at_any_moment_and_resumed_the_curve_is_that_without_an_interruption(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_DROPOUT", "0.3")  # so that the shared generators matter
    monkeypatch.setattr(starting_network, "build_network", train_tiny_network.build)
    config = tiny_config(
        checkpoint_seconds=0.1, checkpoints_kept=2, augmented={"p_noise": 0.5, "p_elastic": 0.5}
    )
    path = data / "config.yaml"
    write_config(config, path)
    arguments = ["--config", path, "--data", data, "--output", data / "killed", "--steps", "200", "--all"]
    process = subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    patience = time.monotonic() + 120
    while len(_checkpoints(data / "killed")) < 2:
        assert process.poll() is None, process.communicate()[0].decode()
        assert time.monotonic() < patience
        time.sleep(0.01)
    process.kill()  # signal 9 on the systems that have it
    process.communicate()
    steps = int(_checkpoints(data / "killed")[-1].stem.removeprefix("step_"))
    assert 0 < steps < 200
    assert 1 <= len(_checkpoints(data / "killed")) <= 3  # the third: killed before the oldest was deleted

    found = _train(config, data, "killed", 200, resume=True)
    _assert_same_end(found, _train(config, data, "uninterrupted", 200))


def test_a_checkpoint_that_was_being_written_is_cleared_away(data: Path) -> None:
    output = _train(tiny_config(), data, "out", 2)
    part = output / "checkpoints" / ".4711.step_00000003.pt"
    part.write_bytes(b"half")
    _train(tiny_config(), data, "out", 3, resume=True)
    assert not part.exists()


def test_the_last_few_are_kept_and_a_damaged_one_falls_back_to_the_one_before(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config(checkpoint_seconds=0.0, checkpoints_kept=3)
    expected = _train(config, data, "expected", 12)
    with monkeypatch.context() as patched:
        patched.setattr(training, "set_learning_rate", _stop_after(8))
        with pytest.raises(KeyboardInterrupt):
            _train(config, data, "out", 12)
    output = data / "out"
    assert [path.stem for path in _checkpoints(output)] == ["step_00000006", "step_00000007", "step_00000008"]
    newest = _checkpoints(output)[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    _train(config, data, "out", 12, resume=True)
    assert f"{newest}: cannot be read" in capsys.readouterr().out
    _assert_same_end(output, expected)


def test_a_checkpoint_holds_every_random_state(data: Path) -> None:
    (own,) = _last(_train(tiny_config(), data, "out", 2))["processes"]
    assert set(own["random"]) == {"python", "numpy", "torch", "cuda"}


def test_an_earlier_training_is_neither_overwritten_nor_mixed_with_another(data: Path) -> None:
    _train(tiny_config(), data, "out", 1, resume=True)  # nothing to resume: begins
    with pytest.raises(SegMambaError, match="--resume goes on with it"):
        _train(tiny_config(), data, "out", 2)
    with pytest.raises(SegMambaError, match="other settings"):
        _train(tiny_config(seed=5), data, "out", 2, resume=True)
    with pytest.raises(SegMambaError, match="trained on 3 other cases than the 2 given"):
        training.train(tiny_config(), data, NAMES[:2], data / "out", Budget(2, None), resume=True)


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own in the folder; skips where nobody may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system takes root's privileges")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_last_checkpoint_stays_and_serves(data: Path) -> None:
    config = tiny_config(checkpoint_seconds=0.0, checkpoints_kept=1000)
    with _small_disk(data / "disk", "600k"):
        with pytest.raises(DiskFullError, match=r"disk/checkpoints/step_\d+\.pt: the disk is full"):
            _train(config, data, "disk", 40)
        assert 2 < len(_checkpoints(data / "disk")) < 40
        subprocess.run(["mount", "-o", "remount,size=10m", data / "disk"], check=True)
        found = _train(config, data, "disk", 40, resume=True)
        _assert_same_end(found, _train(config, data, "expected", 40))


def test_a_checkpoint_that_cannot_be_written_is_named_and_the_last_one_stays(data: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits of a process are those of Unix")
    config = tiny_config(checkpoint_seconds=0.0)
    output = _train(config, data, "out", 3)
    before = [(path, path.read_bytes()) for path in _checkpoints(output)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(SegMambaError, match=r"step_00000004\.pt: cannot be written \(File too large\)"):
            _train(config, data, "out", 6, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(path, path.read_bytes()) for path in _checkpoints(output)] == before


def test_an_unreadable_case_is_named_and_the_last_checkpoint_stays(data: Path) -> None:
    output = _train(tiny_config(), data, "out", 2)
    before = [(path, path.read_bytes()) for path in _checkpoints(output)]
    damaged = pack_path(data, "b")
    damaged.write_bytes(damaged.read_bytes()[:-2000])
    with pytest.raises(SegMambaError, match=re.escape(f"{damaged}: is damaged")):
        _train(tiny_config(), data, "out", 4, resume=True)
    assert [(path, path.read_bytes()) for path in _checkpoints(output)] == before
