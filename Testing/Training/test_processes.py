"""Two processes that train together do what one does with all of their batches."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from SegMambaCore.errors import SegMambaError
from Testing.Training import train_tiny_network
from Testing.Training.synthetic import synthetic_pack, tiny_config
from Training import starting_network
from Training.case_pack import write_pack
from Training.config import write_config
from Training.processes import Processes
from Training.schedule import Budget
from Training.train import train

NAMES = ["a", "b", "c"]


def _end(output: Path) -> tuple[dict[str, Any], list[float]]:
    """The newest checkpoint's state and the losses."""
    newest = max((output / "checkpoints").glob("step_*.pt"))
    with (output / "training_log.csv").open(encoding="utf-8") as file:
        losses = [float(row["loss_patch"]) for row in csv.DictReader(file)]
    return torch.load(newest, weights_only=True)["state"], losses


def test_two_processes_equal_one_with_twice_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(starting_network, "build_network", train_tiny_network.build)
    for seed, name in enumerate(NAMES):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    shared = tiny_config(
        p_whole=0.0,
        loss=replace(tiny_config().loss, kind="cross_entropy"),
        augmented={"p_noise": 1.0, "p_rotation": 1.0, "p_gamma": 0.5},
    )
    halves = replace(shared, batch_size=1, batches_per_step=2)
    path = tmp_path / "halves.yaml"
    write_config(halves, path)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    options = ["--config", path, "--data", tmp_path, "--output", tmp_path / "two", "--steps", "25", "--all"]
    done = subprocess.run(
        [*torchrun, train_tiny_network.__file__, *map(str, options)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "3 cases, network small, 2 x cpu" in done.stdout
    assert done.stdout.count("wrote") == 1

    two, losses = _end(tmp_path / "two")
    assert len(two["processes"]) == 2
    doubled = replace(shared, batch_size=2, batches_per_step=1)
    for name, config in (("twice_the_batch", doubled), ("one_after_the_other", halves)):
        train(config, tmp_path, NAMES, tmp_path / name, Budget(25, None))
        one, expected = _end(tmp_path / name)
        assert losses == pytest.approx(expected, rel=1e-5)
        for kind in ("network", "average"):
            torch.testing.assert_close(two[kind], one[kind], rtol=1e-4, atol=1e-6)

    # One process can go on where two had stopped.
    train(halves, tmp_path, NAMES, tmp_path / "two", Budget(30, None), resume=True)
    assert _end(tmp_path / "two")[0]["progress"]["step"] == 30


def test_batches_that_cannot_be_shared_out_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes(0.0)
    assert list(processes.share_of(3)) == [0, 1, 2]
    monkeypatch.setattr(processes, "count", 2)
    monkeypatch.setattr(processes, "number", 1)
    assert list(processes.share_of(4)) == [2, 3]
    for batches in (1, 3):
        with pytest.raises(
            SegMambaError, match=f"batches_per_step: {batches} cannot be shared by 2 processes"
        ):
            processes.share_of(batches)
