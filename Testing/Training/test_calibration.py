"""Calibration of a network whose probabilities are known, from packs to tables and a plot."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from Testing.Training.synthetic import synthetic_pack
from Training import calibration
from Training.case_pack import write_pack
from Training.evaluation import of_model
from Training.evaluation.table import read_table
from Training.model_spec import model_spec


class AlwaysThreeQuarters(nn.Module):
    """Calls every voxel WT with 75 %, the others never."""

    def forward(self, x: Tensor) -> Tensor:
        logits = torch.full_like(x[:, :3], -20.0)
        logits[:, 0] = np.log(3)
        return logits


def test_tables_and_plot_tell_what_the_network_is_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_model, "read_ensemble", lambda _: (AlwaysThreeQuarters(), model_spec("sigmoid")))
    packs = [synthetic_pack(name, (32, 32, 32), seed) for seed, name in enumerate("ab")]
    for pack in packs:
        write_pack(pack, tmp_path)
    (tmp_path / "split.json").write_text(json.dumps({"held_out": ["a", "b"], "training": ["c"]}), "utf-8")
    words = ["--data", tmp_path, "--split", tmp_path / "split.json", "--output", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["calibration.py", "--model", "m", *map(str, words), "--device", "cpu"])
    calibration.main()

    rows = {
        (row["region"], row["voxels_of"]): row for row in read_table(tmp_path / "out" / "calibration.csv")
    }
    brains = [pack.codes.any(axis=0) for pack in packs]
    labels = np.concatenate([pack.labels[brain] for pack, brain in zip(packs, brains, strict=True)])
    share = (labels > 0).mean()
    assert float(rows["WT", "brain"]["ece"]) == pytest.approx(0.75 - share, abs=1e-3)
    brier = share * 0.25**2 + (1 - share) * 0.75**2
    assert float(rows["WT", "brain"]["brier"]) == pytest.approx(brier, abs=1e-3)
    assert float(rows["ET", "brain"]["ece"]) == pytest.approx((labels == 3).mean(), abs=1e-3)
    # All of the brain is called tumor, so all of it is near.
    assert rows["WT", "around the tumor"]["ece"] == rows["WT", "brain"]["ece"]
    bins = read_table(tmp_path / "out" / "reliability.csv")
    assert sum(int(row["voxels"]) for row in bins) == 6 * len(labels)
    assert (tmp_path / "out" / "reliability.png").read_bytes().startswith(b"\x89PNG")
