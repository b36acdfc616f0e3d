"""Folders of label maps through the command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.evaluation.cohort import SHAPE, save, tumor
from Training import evaluate
from Training.evaluation import label_maps
from Training.evaluation.of_folders import evaluate_folders, pair_up, read_pair

A, B = "BraTS2021_00001", "BraTS-GLI-00000-000"


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """A: moved by 2 voxels of 2 mm. B: missed, with the labels of 2023. c: nothing there and nothing found."""
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    spacing = (1.0, 1.0, 2.0)
    save(tumor(enhancing=4), tmp_path / "references" / A / f"{A}_seg.nii.gz", spacing)
    save(tumor(2, enhancing=4), tmp_path / "predictions" / f"{A}.nii.gz", spacing)
    save(tumor(), tmp_path / "references" / B / f"{B}-seg.nii.gz")
    save(nothing, tmp_path / "predictions" / B / "segmentation.nii.gz")
    save(nothing, tmp_path / "references" / "c_seg.nii.gz")
    save(nothing, tmp_path / "predictions" / "c.nii.gz")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, cohort: Path, *more: str) -> None:
    folders = [f"--{name}={cohort / name}" for name in ("predictions", "references", "output")]
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *folders, "--workers=2", *more])
    evaluate.main()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_case_and_convention_is_in_the_tables(cohort, monkeypatch, capsys):
    run(monkeypatch, cohort)
    b, a, c = read(cohort / "output" / "cases.csv")
    assert [(row["case"], row["labels"]) for row in (a, b, c)] == [
        (A, "brats2021"),
        (B, "brats2023"),
        ("c", "brats2023"),
    ]
    # 10 voxels long, moved by 2: 8 of 10 overlap; the faces are 4 mm apart.
    assert (a["dice_WT_brats2021"], a["hd95_WT_brats2021_mm"]) == ("0.8000", "4.0000")
    assert (a["dice_WT_paper"], a["lesionwise_dice_WT_brats2023"]) == ("0.8000", "0.8000")
    assert (a["voxels_TC"], a["reference_voxels_ET"]) == ("216", "64")
    assert (b["hd95_WT_paper_mm"], b["hd95_WT_brats2021_mm"]) == ("50.0000", "373.1300")
    assert (b["lesionwise_hd95_WT_brats2023_mm"], b["fn_WT_brats2023"]) == ("374.0000", "1.0000")
    assert (c["dice_WT_paper"], c["dice_WT_brats2021"], c["tp_WT_brats2023"]) == (
        "0.0000",
        "1.0000",
        "0.0000",
    )

    summary = {row["statistic"]: row for row in read(cohort / "output" / "summary.csv")}
    assert list(summary) == ["mean", "mean_ci95_low", "mean_ci95_high", "median", "median_ci95_low",
                             "median_ci95_high", "count"]  # fmt: skip
    assert summary["mean"]["dice_WT_brats2021"] == "0.6000"
    assert summary["median"]["dice_WT_brats2021"] == "0.8000"
    assert (summary["mean_ci95_low"]["dice_WT_brats2021"], summary["count"]["dice_WT_brats2021"]) == (
        "0.0000",
        "3",
    )
    assert "dice_WT_brats2021                  mean    0.6000 [0.0000, 1.0000]" in capsys.readouterr().out


def test_one_convention_and_the_held_out_cases_alone(cohort, monkeypatch):
    split = cohort / "split.json"
    split.write_text(json.dumps({"held_out": [A], "training": ["c"]}), encoding="utf-8")
    run(monkeypatch, cohort, "--conventions", "paper", "--split", str(split))
    (row,) = read(cohort / "output" / "cases.csv")
    assert row["case"] == A
    assert not any("brats20" in name for name in row)


def test_a_case_without_a_prediction_is_not_left_out(cohort, monkeypatch, capsys):
    (cohort / "predictions" / f"{A}.nii.gz").unlink()
    with pytest.raises(SystemExit):
        run(monkeypatch, cohort)
    assert "predictions: holds no label map of BraTS2021_00001." in capsys.readouterr().err
    assert not (cohort / "output" / "cases.csv").exists()


def test_a_result_of_segmamba_is_read_by_its_report(cohort, monkeypatch):
    """Its labels are those of 2023, whatever the references' are."""
    (cohort / "predictions" / f"{A}.nii.gz").unlink()
    save(tumor(2), cohort / "predictions" / A / "segmentation.nii.gz", (1.0, 1.0, 2.0))
    pairs = {A: pair_up(cohort / "predictions", cohort / "references")[A]}
    with pytest.raises(SegMambaError, match=r"label 3(.|\n)*--prediction-labels"):
        evaluate_folders(pairs, ["paper"])
    told = evaluate_folders(pairs, ["paper"], prediction_labels="brats2023")

    def read_report(path):
        assert path == cohort / "predictions" / A / "report.json"
        return SimpleNamespace(label_convention="brats2023")

    monkeypatch.setattr(label_maps, "read_report", read_report)
    prediction, reference = read_pair(A, pairs[A], None, None)
    assert (prediction.read_as, reference.read_as) == ("brats2023", "brats2021")
    assert told[0]["voxels_ET"] == str(int(prediction.regions["ET"].sum())) == "64"


def test_another_grid_is_refused(cohort):
    save(tumor(2, enhancing=4), cohort / "predictions" / f"{A}.nii.gz", (1.0, 1.0, 1.0))
    pairs = pair_up(cohort / "predictions", cohort / "references")
    with pytest.raises(
        SegMambaError, match=r"_00001.nii.gz: lies on another grid .* 1 x 1 x 1 mm against .* 1 x 1 x 2 mm"
    ):
        evaluate_folders(pairs, ["paper"])


def test_without_the_program_of_2026_the_user_is_told_what_to_install(cohort):
    pairs = pair_up(cohort / "predictions", cohort / "references")
    with pytest.raises(SegMambaError, match=r"no such program in .* Install the package brats-evaluation"):
        evaluate_folders(pairs, ["brats2026"], brats2026_programs=cohort)


@pytest.mark.skipif(os.name == "nt", reason="stands in for a program with a shell script")
def test_a_program_of_2026_that_fails_is_told_with_its_words(cohort):
    for name in ("brats-evaluate", "brats-parse-metrics"):
        program = cohort / name
        program.write_text(
            "#!/bin/sh\necho Error: no such thing\n", encoding="utf-8"
        )  # and exits with 0, as it does
        program.chmod(0o755)
    pairs = pair_up(cohort / "predictions", cohort / "references")
    with pytest.raises(SegMambaError, match=r"brats-evaluate: failed\.\nError: no such thing"):
        evaluate_folders(pairs, ["brats2026"], brats2026_programs=cohort)


@pytest.mark.slow
def test_figures_of_2026_come_from_the_real_package(cohort, monkeypatch, tmp_path_factory):
    """Two lesions, one found at 8 of 10 slices and one missed, a false positive, and a cavity found by half."""
    programs = real_programs(tmp_path_factory.mktemp("brats2026"))
    reference, prediction = tumor(cavity=True), tumor(2, cavity=True)
    reference[20:23, 2:5, 2:5] = 2
    prediction[20:23, 18:21, 2:5] = 2
    prediction[18, 18:20, 18:20] = 0
    save(reference, cohort / "references" / B / f"{B}-seg.nii.gz")
    save(prediction, cohort / "predictions" / B / "segmentation.nii.gz")
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    for folder in (f"references/{A}/{A}_seg.nii.gz", "references/c_seg.nii.gz"):
        save(nothing, cohort / folder)
    save(tumor(), cohort / "predictions" / f"{A}.nii.gz")

    more = ["--labels=brats2024", f"--brats2026={programs}"]
    run(monkeypatch, cohort, "--conventions", "brats2021", "brats2026", *more)
    rows = {row["case"]: row for row in read(cohort / "output" / "cases.csv")}
    found = rows[B]
    assert [found[f"{count}_WT_brats2026"] for count in ("tp", "fp", "fn")] == ["1.0000"] * 3
    assert found["f1_WT_brats2026"] == "0.5000"
    assert found["matched_dice_WT_brats2026"] == "0.8000"  # the missed lesion and the false one not in it
    assert found["dice_WT_brats2026"] == found["dice_WT_brats2021"] == f"{2 * 800 / 2054:.4f}"
    assert (found["dice_RC_brats2026"], found["tp_RC_brats2026"]) == (f"{2 * 4 / 12:.4f}", "1.0000")
    assert (rows[A]["hd95_WT_brats2026_mm"], rows[A]["fp_WT_brats2026"]) == ("373.0000", "1.0000")
    assert (rows["c"]["dice_WT_brats2026"], rows["c"]["tp_WT_brats2026"]) == ("", "0.0000")
    summary = {row["statistic"]: row for row in read(cohort / "output" / "summary.csv")}
    assert summary["count"]["dice_WT_brats2026"] == "2"


def real_programs(folder: Path) -> Path:
    """Install brats-evaluation into an environment of its own and return its folder of programs."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet", "brats-evaluation==0.0.10"]
    done = subprocess.run(install, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        pytest.skip(f"brats-evaluation cannot be installed here: {done.stderr[-200:]}")
    return programs
