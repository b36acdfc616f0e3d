"""The table of corruptions, from a network whose answer is known."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from Testing.Training.synthetic import synthetic_pack
from Training import robustness
from Training.case_pack import write_pack
from Training.evaluation import of_model
from Training.evaluation.table import read_table
from Training.model_spec import model_spec


class FlairIsTumor(nn.Module):
    """Finds the tumour where FLAIR is bright, all regions alike."""

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 3:4] - 1.5).expand(-1, 3, -1, -1, -1)


def test_losing_the_one_contrast_that_counts_costs_and_losing_others_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = replace(model_spec("sigmoid"), least_expected_dice={"WT": 0.5})
    monkeypatch.setattr(of_model, "read_ensemble", lambda _: (FlairIsTumor(), spec))
    for seed, name in enumerate("abc"):
        write_pack(synthetic_pack(name, (32, 32, 32), seed), tmp_path)
    (tmp_path / "split.json").write_text(json.dumps({"held_out": ["a", "b"], "training": ["c"]}), "utf-8")
    models = [str(tmp_path / run / "model.safetensors") for run in ("before", "after")]
    names = ["T1 missing", "T2-FLAIR missing", "T2 and T2-FLAIR swapped"]
    words = ["--data", tmp_path, "--split", tmp_path / "split.json", "--output", tmp_path / "out"]
    command = ["robustness.py", "--model", *models, *map(str, words), "--device", "cpu", "--only", *names]
    monkeypatch.setattr(sys, "argv", command)
    robustness.main()

    rows = read_table(tmp_path / "out" / "robustness.csv")
    assert len(rows) == 2 * 2 * 4
    mean = {
        (model, name): np.mean(
            [float(r["dice_WT_brats2021"]) for r in rows if (r["model"], r["corruption"]) == (model, name)]
        )
        for model in ("before", "after")
        for name in ("none", *names)
    }
    assert mean["before", "none"] == mean["before", "T1 missing"] == mean["after", "none"] > 0.25
    assert mean["before", "T2-FLAIR missing"] == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines == (tmp_path / "out" / "robustness.md").read_text("utf-8").splitlines()
    assert len({line.count("|") for line in lines[:-3]}) == 1
    assert lines[0].startswith(
        "| corruption, 2 cases | before: WT / TC / ET | mean | change | warned | after:"
    )
    missing = next(line for line in lines if line.startswith("| T2-FLAIR missing"))
    # Everything is improbable by then, and nothing is found: a promise of little.
    assert missing.split("|")[5].strip() == "2"
    assert lines[-2].startswith("before: of 8 results with a mean Dice below 0.7, ")
    assert lines[3].startswith("| T1 missing |") and "+0.000" in lines[3]


def test_models_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    names = robustness.distinct_names
    assert names([tmp_path / "x" / "small.safetensors"]) == ["small"]
    assert names([tmp_path / "a" / "model.safetensors", tmp_path / "b" / "model.safetensors"]) == ["a", "b"]
    assert names([tmp_path / "a.safetensors", tmp_path / "b.safetensors"]) == ["a", "b"]
    deep = [tmp_path / run / "fold_1-seed_1" / "model.safetensors" for run in ("a", "b")]
    assert names(deep) == ["a/fold_1-seed_1", "b/fold_1-seed_1"]
