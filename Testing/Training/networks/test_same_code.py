"""A rival is configured, trained, written, evaluated and described by the code that serves SegMamba."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import Mirror, Mode
from Testing.Training.synthetic import SHIPPED, synthetic_pack, tiny_config
from Training import compare, describe
from Training import train as training
from Training.case_pack import pack_path, write_pack
from Training.config import read_config
from Training.evaluation.of_model import evaluate_model
from Training.networks.registry import NETWORKS
from Training.schedule import Budget


@pytest.mark.parametrize("name", NETWORKS)
def test_a_configuration_takes_every_network(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rival.yaml"
    path.write_text(
        SHIPPED.read_text(encoding="utf-8").replace("network: small", f"network: {name}"), "utf-8"
    )
    assert read_config(path).network == name


def test_a_configuration_with_another_network_is_told_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace("network: small", "network: u-net"), "utf-8")
    with pytest.raises(SegMambaError, match=r"network must be one of tom, .*transbts, resenc-m, not 'u-net'"):
        read_config(path)


def test_a_rival_trains_writes_and_is_evaluated(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    names = ["a", "b", "held_out"]
    for seed, name in enumerate(names):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    config = tiny_config(network="segresnet-16")
    output = tmp_path / "run"
    training.train(config, tmp_path, names[:2], output, Budget(3, None))

    held_out = [pack_path(tmp_path, "held_out")]
    ways: list[tuple[Mode, Mirror]] = [("windows", "none"), ("onepass", "leftright")]
    rows = evaluate_model([output / "model.safetensors"], held_out, ways, ["brats2021"], device="cpu")
    assert [(row["case"], row["mode"]) for row in rows] == [("held_out", "windows"), ("held_out", "onepass")]
    assert all(0 <= float(row["dice_WT_brats2021"]) <= 1 for row in rows)
    with pytest.raises(SegMambaError, match="was trained on 1 of the 1 cases"):
        evaluate_model([output / "model.safetensors"], [pack_path(tmp_path, "a")], ways, ["brats2021"])


def test_describe_prints_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["compare.py", "--describe"])
    monkeypatch.setattr(compare, "describe", lambda: describe.describe(["small", "segresnet-16"]))
    compare.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].count("|") == lines[1].count("|") == 6
    assert lines[2:] == [
        "| SegMamba (small) | `small` | SegMambaCore | 7.61 | 171 |",
        "| SegResNet, 16 filters | `segresnet-16` | MONAI | 4.70 | 148 |",
    ]
