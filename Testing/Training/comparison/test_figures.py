"""What is compared, its means, its tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from SegMambaCore.errors import SegMambaError
from Testing.Training.comparison.evaluations import CASES, write_evaluation
from Training.comparison.costs import costs_of
from Training.comparison.differences import paired_differences
from Training.comparison.evaluated import read_evaluations, shared_conventions
from Training.comparison.table1 import make_table
from Training.comparison.worst_cases import worst_cases
from Training.evaluation.table import read_table, write_table


@pytest.fixture
def folders(tmp_path):
    return {
        "A": write_evaluation(tmp_path / "a", 1),
        "B": write_evaluation(tmp_path / "b", 2, lower_by=0.05),
        "C": write_evaluation(tmp_path / "c", 3, lower_by=0.4),
    }


def column(folder, name):
    return np.array([float(row[name]) for row in read_table(folder / "cases.csv")])


def test_means_are_those_of_the_tables_and_the_last_group_is_of_the_regions(folders):
    table = make_table(read_evaluations(folders), "paper")
    wt, tc, et = (100 * column(folders["B"], f"dice_{region}_paper") for region in ("WT", "TC", "ET"))
    assert table.figures["B", "dice", "TC"].mean == pytest.approx(tc.mean())
    assert table.figures["B", "dice", "mean"].mean == pytest.approx(np.mean([wt, tc, et]))
    hd95 = column(folders["C"], "hd95_ET_paper_mm")
    assert table.figures["C", "hd95", "ET"].mean == pytest.approx(hd95.mean())
    for figure in table.figures.values():
        assert figure.low < figure.mean < figure.high


def test_the_best_is_the_highest_dice_and_the_lowest_distance(folders):
    table = make_table(read_evaluations(folders), "paper")
    hd95 = {name: column(folder, "hd95_WT_paper_mm").mean() for name, folder in folders.items()}
    assert ("A", "dice", "mean") in table.best
    assert (min(hd95, key=hd95.get), "hd95", "WT") in table.best
    assert len(table.best) == 8


def test_lesions_are_counted_where_the_convention_counts_them(folders):
    evaluations = read_evaluations(folders)
    assert make_table(evaluations, "paper").counts == {}
    counts = make_table(evaluations, "brats2023").counts
    assert counts["A", "ET", "fn"] == column(folders["A"], "fn_ET_brats2023").sum()


def test_differences_are_to_the_first_model_and_corrected_over_all_of_them(folders):
    rows = paired_differences(read_evaluations(folders))
    of_paper = [row for row in rows if row["convention"] == "paper"]
    assert [row["model"] for row in of_paper] == ["B"] * 6 + ["C"] * 6
    row = next(row for row in of_paper if row["model"] == "C" and row["column"] == "dice_TC_paper")
    difference = column(folders["C"], "dice_TC_paper") - column(folders["A"], "dice_TC_paper")
    of_patients = difference.reshape(6, 2).mean(axis=1)
    assert row["mean_difference"] == pytest.approx(difference.mean())
    assert row["p"] == pytest.approx(wilcoxon(of_patients).pvalue)
    smallest = min(float(row["p"]) for row in of_paper)
    assert min(float(row["p_holm"]) for row in of_paper) == pytest.approx(12 * smallest)


def test_the_worst_cases_of_each_model_once(folders):
    evaluations = read_evaluations(folders)
    worst = worst_cases(evaluations, "paper", 2)
    of_c = sum(column(folders["C"], f"dice_{region}_paper") for region in ("WT", "TC", "ET"))
    assert next(iter(worst)) == CASES[int(np.argmin(of_c))]
    assert sum(len(models) for models in worst.values()) == 6


def test_costs_of_an_ensemble_are_those_of_its_members(tmp_path):
    more = {"device": "a GPU", "seconds": "2.5", "peak_gb": "1.5"}
    one = write_evaluation(tmp_path / "one", 1, network="segresnet-16", **more)
    three = write_evaluation(tmp_path / "three", 1, network="segresnet-16 + segresnet-16 + small")
    alone, together = (costs_of(evaluation) for evaluation in read_evaluations({"one": one, "three": three}))
    assert (alone.parameters_m, alone.gmacs) == (pytest.approx(4.70, rel=2e-3), pytest.approx(148, rel=5e-3))
    assert (alone.seconds, alone.peak_gb) == (2.5, 1.5)
    assert together.parameters_m == pytest.approx(2 * 4.70 + 7.61, rel=2e-3)
    assert together.seconds is None


def test_other_cases_are_refused(folders, tmp_path):
    folders["D"] = write_evaluation(tmp_path / "d", 4, cases=CASES[1:])
    with pytest.raises(
        SegMambaError, match=rf"A and D were not evaluated on the same cases: {CASES[0]} .*\(1 such"
    ):
        read_evaluations(folders)


def test_evaluations_without_a_common_convention_are_refused(folders):
    rows = [{"case": row["case"], "dice_WT_brats2021": "1"} for row in read_table(folders["B"] / "cases.csv")]
    write_table(rows, folders["B"] / "cases.csv")
    with pytest.raises(SegMambaError, match="share no convention"):
        read_evaluations(folders)


def test_one_of_several_ways_has_to_be_chosen(folders):
    rows = read_table(folders["A"] / "cases.csv")
    both = [row | {"mode": mode, "mirror": "all"} for mode in ("windows", "onepass") for row in rows]
    write_table(both, folders["A"] / "cases.csv")
    with pytest.raises(
        SegMambaError, match=r"several of its ways .* --mode windows --mirror all; --mode onepass"
    ):
        read_evaluations(folders)
    with pytest.raises(SegMambaError, match="none of its ways"):
        read_evaluations(folders, mirror="none")
    evaluations = read_evaluations(folders, mode="onepass")
    assert evaluations[0].way == "onepass, all"
    assert shared_conventions(evaluations) == ["paper", "brats2023"]
    assert paired_differences(evaluations)
