"""Limits chosen from tables and packs, and found again in the model's file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from SegMambaCore.case.likeness import Usual
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.network.segmamba import SegMamba
from Testing.Training.synthetic import synthetic_pack
from Training import limits
from Training.case_pack import write_pack
from Training.evaluation.table import Row, write_table
from Training.model_spec import model_spec


def _table(path: Path, false_specks: int) -> Path:
    rows: list[Row] = []
    for number, (found, there, dice, promise) in enumerate(
        [(60, 0, 0.0, 0.5)] * false_specks + [(900, 950, 0.9, 0.9)] * 4
    ):
        row: Row = {"case": f"c{number}", "mode": "onepass", "mirror": "none"}
        for region in ("WT", "TC", "ET"):
            row |= {f"voxels_{region}": str(found), f"reference_voxels_{region}": str(there)}
            row |= {f"dice_{region}_brats2021": dice, f"expected_dice_{region}": promise}
        rows.append(row)
    write_table(rows, path)
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ["a", "b", "c", "d"]
    for seed, name in enumerate(names):
        write_pack(synthetic_pack(name, (32, 32, 32), seed), tmp_path)
    network = SegMamba("tom", 4, 3, widths=(4, 4, 4, 4), hidden=4)
    write_model(network, model_spec("sigmoid", cases=names), tmp_path / "model.safetensors")
    monkeypatch.setattr(limits, "read_model", lambda path: (network, read_spec(path)))
    tables = [_table(tmp_path / f"fold_{n}.csv", false_specks=2) for n in (1, 2)]
    words = ["--model", tmp_path / "model.safetensors", "--tables", *tables, "--data", tmp_path]
    words += ["--output", tmp_path / "limited.safetensors"]
    monkeypatch.setattr(sys, "argv", ["limits.py", *map(str, words)])
    return tmp_path


def test_limits_are_found_again_in_the_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits.main()
    spec = read_spec(run / "limited.safetensors")
    assert spec.least_volume_ml == {"TC": 0.075, "ET": 0.075}
    assert spec.least_expected_dice == {"WT": 0.7, "TC": 0.7, "ET": 0.7}
    usual = Usual.from_dict(spec.usual_figures)
    assert "correlation of T1 and T1Gd" in usual.names and usual.most_unlike > 0
    said = capsys.readouterr().out
    assert "ET below 75 voxels left out: Dice 0.6000 +0.3333, on folds that had no say +0.3333: kept" in said
    assert "on folds that had no say: 4 of 4 failures warned of, 0 of 8 others" in said


def test_a_rule_that_had_no_second_fold_to_prove_itself_is_not_kept(run: Path) -> None:
    sys.argv.remove(str(run / "fold_2.csv"))
    limits.main()
    assert read_spec(run / "limited.safetensors").least_volume_ml == {}


def test_tables_of_another_way_and_missing_packs_are_named(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        sys.argv += ["--mirror", "all"]
        limits.main()
    assert "holds no row of mode onepass, mirrors all" in capsys.readouterr().err
    with pytest.raises(SegMambaError, match="no such pack"):
        limits.usual_figures(model_spec("sigmoid", cases=["a", "b", "z"]), run)
    assert not (run / "limited.safetensors").exists()
