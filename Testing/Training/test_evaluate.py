"""Tables of the evaluation from a network whose answer is known."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from Testing.Training.synthetic import synthetic_pack
from Training import evaluate
from Training.case_pack import SUFFIX, write_pack
from Training.evaluation import of_model
from Training.model_spec import model_spec


class BrightIsTumor(nn.Module):
    """Finds the synthetic tumour by its mean brightness: WT rightly, TC as WT, ET never."""

    def forward(self, x: Tensor) -> Tensor:
        brightness = x.mean(1, keepdim=True) - 1.1
        return torch.cat([brightness, brightness, torch.full_like(x[:, :1], -5.0)], dim=1)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def read_ensemble(_: list[Path]) -> tuple[nn.Module, ModelSpec]:
        return BrightIsTumor(), model_spec("sigmoid", patch=(16, 16, 16))

    monkeypatch.setattr(of_model, "read_ensemble", read_ensemble)
    for seed, name in enumerate("abc"):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    sides = {"held_out": ["a", "c"], "training": ["b"]}
    (tmp_path / "split.json").write_text(json.dumps(sides), encoding="utf-8")
    return tmp_path


def test_tables_hold_every_held_out_case_and_way(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--model", "m", "--data", data, "--split", data / "split.json", "--output", data / "out"]
    monkeypatch.setattr(
        sys, "argv", ["evaluate.py", *map(str, arguments), "--device", "cpu", "--workers", "1"]
    )
    evaluate.main()

    cases = _read(data / "out" / "cases.csv")
    ways = [("windows", "all"), ("onepass", "none"), ("onepass", "all")]
    assert [(row["mode"], row["mirror"], row["case"]) for row in cases] == [
        (*way, case) for way in ways for case in "ac"
    ]
    for row in cases:
        assert float(row["dice_WT_brats2021"]) > 0.6
        assert float(row["dice_TC_brats2021"]) < 0.5
        assert (row["dice_ET_brats2021"], row["hd95_ET_brats2021_mm"]) == ("0.0000", "373.1300")
        assert (row["dice_ET_paper"], row["hd95_ET_paper_mm"]) == ("0.0000", "50.0000")
        assert (row["fn_ET_brats2023"], row["lesionwise_hd95_ET_brats2023_mm"]) == ("1.0000", "374.0000")

    summary = _read(data / "out" / "summary.csv")
    assert [(row["statistic"], row["mode"]) for row in summary[::7]] == [
        ("mean", "windows"),
        ("mean", "onepass"),
        ("mean", "onepass"),
    ]
    assert float(summary[1]["dice_WT_brats2021"]) <= float(summary[0]["dice_WT_brats2021"])
    of_windows = [float(row["dice_WT_brats2021"]) for row in cases[:2]]
    assert float(summary[0]["dice_WT_brats2021"]) == pytest.approx(sum(of_windows) / 2, abs=1e-3)


def test_a_model_is_not_measured_on_its_training_cases(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = model_spec("sigmoid", patch=(16, 16, 16), cases=["c", "b"])
    monkeypatch.setattr(of_model, "read_ensemble", lambda _: (BrightIsTumor(), spec))
    packs = [data / f"{name}{SUFFIX}" for name in "ac"]
    with pytest.raises(SegMambaError, match=r"trained on 1 of the 2 cases .* \(c, "):
        of_model.evaluate_model([Path("m")], packs, [("onepass", "none")], ["paper"], device="cpu")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
