"""Paired tests between two tables of cases."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest
from scipy.stats import wilcoxon

from SegMambaCore.errors import SegMambaError
from Training import paired_test
from Training.evaluation.paired import holm, paired_tests
from Training.evaluation.table import write_table

CASES = [f"BraTS2021_{number:05d}" for number in range(20)]


def table(shift: float = 0.0, cases=CASES, seed=0, **more: str):
    rng = np.random.default_rng(seed)
    rows = []
    for case in cases:
        figures = {"dice_WT_brats2021": rng.uniform(0.8, 0.9), "dice_WT_paper": rng.uniform(0.8, 0.9)}
        figures["hd95_WT_brats2021_mm"] = rng.uniform(2, 9)
        noise = np.random.default_rng([len(rows), int(shift * 1e6)]).normal(0, 0.01)
        figures = {name: value + (shift + noise if shift else 0) for name, value in figures.items()}
        cells = {name: repr(float(value)) for name, value in figures.items()}
        rows.append({"case": case, **more, **cells, "tp_WT_brats2023": "1", "seconds": "2.5"})
    return rows


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def test_figures_are_those_of_scipy_on_the_differences():
    first, second = table(), table(0.02)
    rows = {row["column"]: row for row in paired_tests(first, second)}
    assert set(rows) == {"dice_WT_brats2021", "dice_WT_paper", "hd95_WT_brats2021_mm"}
    for name, row in rows.items():
        difference = column(second, name) - column(first, name)
        assert row["mean_difference"] == pytest.approx(difference.mean())
        assert row["p"] == pytest.approx(wilcoxon(difference).pvalue)
        assert row["ci95_low"] < row["mean_difference"] < row["ci95_high"]
        assert row["ci95_low"] > 0


def test_holm_corrects_over_the_scores_of_one_convention():
    rows = {row["column"]: row for row in paired_tests(table(), table(0.004))}
    assert rows["dice_WT_paper"]["p_holm"] == rows["dice_WT_paper"]["p"]  # alone in its convention
    pair = [rows["dice_WT_brats2021"], rows["hd95_WT_brats2021_mm"]]
    assert min(row["p_holm"] for row in pair) == pytest.approx(min(1, 2 * min(row["p"] for row in pair)))


def test_holm_on_an_example_by_hand():
    """0.01 x 4, 0.02 x 3, 0.03 x 2 = 0.06 (not below the one before), 0.04 x 1 raised to 0.06."""
    assert holm([0.04, 0.01, float("nan"), 0.03, 0.02]) == pytest.approx(
        [0.06, 0.04, float("nan"), 0.06, 0.06], nan_ok=True
    )
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_equal_models_do_not_differ():
    assert {row["p"] for row in paired_tests(table(), table())} == {1.0}


def test_scans_of_one_patient_are_one_observation():
    cases = [f"BraTS-GLI-{patient:05d}-{time:03d}" for patient in range(10) for time in range(2)]
    first, second = table(cases=cases), table(0.02, cases=cases)
    (row,) = (row for row in paired_tests(first, second) if row["column"] == "dice_WT_paper")
    means = (column(second, "dice_WT_paper") - column(first, "dice_WT_paper")).reshape(10, 2).mean(axis=1)
    assert (row["cases"], row["patients"]) == ("20", "10")
    assert row["p"] == pytest.approx(wilcoxon(means).pvalue)


def test_each_way_of_inference_is_compared_with_itself():
    ways = ({"mode": "windows", "mirror": "all"}, {"mode": "onepass", "mirror": "none"})
    first = [row for way in ways for row in table(**way)]
    second = [row for way in ways for row in table(0.02, **way)]
    rows = paired_tests(first, second[::-1])
    assert [(row["mode"], row["mirror"]) for row in rows[::3]] == [("windows", "all"), ("onepass", "none")]
    # Label maps of another program have no way: they are compared with the only one there is.
    assert len(paired_tests(first[:20], table(0.02))) == 3
    with pytest.raises(SegMambaError, match="share no way"):
        paired_tests(first, table())


def test_what_cannot_be_paired_is_refused():
    with pytest.raises(SegMambaError, match=r"different cases: BraTS2021_00019 .* \(1 such"):
        paired_tests(table(), table(cases=CASES[:-1]))
    only_paper = [{name: row[name] for name in ("case", "dice_WT_paper")} for row in table()]
    only_2021 = [{name: row[name] for name in ("case", "dice_WT_brats2021")} for row in table()]
    with pytest.raises(SegMambaError, match="share no column of scores"):
        paired_tests(only_paper, only_2021)
    with pytest.raises(SegMambaError, match="no column `case`"):
        paired_tests([{"name": "x"}], table())


def test_the_command_writes_a_table(tmp_path, monkeypatch, capsys):
    for name, shift in (("first", 0.0), ("second", 0.02)):
        write_table(table(shift), tmp_path / f"{name}.csv")
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("first", "second", "output")}
    arguments = [word for name, path in paths.items() for word in (f"--{name}", path)]
    monkeypatch.setattr(sys, "argv", ["paired_test.py", *arguments])
    paired_test.main()
    with (tmp_path / "output.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["convention"] for row in rows] == ["brats2021", "paper", "brats2021"]
    assert 0 < float(rows[0]["p"]) < 0.001  # small, and not rounded to 0
    assert "dice_WT_paper: " in capsys.readouterr().out

    monkeypatch.setattr(sys, "argv", ["paired_test.py", *arguments[:-3], "absent.csv", *arguments[-2:]])
    with pytest.raises(SystemExit):
        paired_test.main()
    assert "absent.csv: cannot be read" in capsys.readouterr().err
