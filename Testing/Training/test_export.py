"""A training becomes a weights file with a card, or the shipped model."""

from __future__ import annotations

import hashlib
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file import library
from SegMambaCore.model_file.figures import held_out_figures, missing_contrast_dice
from SegMambaCore.network.build import build_network
from Testing.Training.synthetic import synthetic_pack, tiny_config
from Training import checkpoint_average, export, starting_network
from Training import train as training
from Training.case_pack import write_pack
from Training.evaluation.summary import summarise
from Training.evaluation.table import Row, write_table
from Training.metrics.conventions import column_name
from Training.model_spec import model_spec
from Training.networks import model_file
from Training.networks.model_file import read_model
from Training.run_record import read_run
from Training.schedule import Budget

NAMES = ["BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000"]


class Points(nn.Module):
    """Each voxel for itself: the smallest network that trains."""

    def __init__(self, name: str, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(in_channels, out_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convolution(x)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training of 6 steps that left its last three checkpoints, of steps 4, 5 and 6, and its weights."""
    torch.set_num_threads(1)
    for module in (starting_network, checkpoint_average, model_file):
        monkeypatch.setattr(module, "build_network", Points)
    for seed, name in enumerate(NAMES):
        write_pack(synthetic_pack(name, seed=seed), tmp_path)
    split = tmp_path / "split_of_4.json"
    split.write_text('{"training": [], "held_out": ["BraTS-GLI-00009-000"]}', "utf-8")
    config = replace(tiny_config(learning_rate=0.1), checkpoint_seconds=0.0, checkpoints_kept=3)
    folder = tmp_path / "run"
    training.train(
        config,
        tmp_path,
        NAMES,
        folder,
        Budget(6, None),
        split=split,
        changes=["learning_rate=0.1"],
        started=time.monotonic(),
    )
    return folder


@pytest.fixture
def box(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "old.safetensors").write_bytes(b"old")
    monkeypatch.setattr(export, "BOX", folder)
    monkeypatch.setattr(library, "SHIPPED_FOLDER", folder)
    return folder


def evaluation(folder: Path, cases: tuple[str, ...] = ("BraTS-GLI-00009-000", "BraTS-GLI-00010-000")) -> Path:
    """Write what Training/evaluate.py writes: dice 0.8 and 0.9, hd95 4 and 6, in two conventions."""
    rows: list[Row] = []
    for case, dice, hd95 in zip(cases, (0.8, 0.9), (4.0, 6.0), strict=True):
        row: Row = {"case": case, "mode": "windows", "mirror": "all", "seconds": 2.0}
        for convention in ("paper", "brats2021"):
            for region in ("WT", "TC", "ET"):
                row[column_name("dice", region, convention)] = dice
                row[column_name("hd95", region, convention)] = hd95
        rows.append(row)
    folder.mkdir()
    write_table(rows, folder / "cases.csv")
    write_table(summarise(rows), folder / "summary.csv")
    return folder


def command(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["export.py", *map(str, arguments)])
    export.main()


def test_the_card_says_where_the_weights_come_from_and_how_good_they_are(run, tmp_path, monkeypatch):
    target = tmp_path / "tumor.safetensors"
    figures = evaluation(tmp_path / "evaluation")
    command(monkeypatch, "--run", run, "--evaluation", figures, "--name", "Tumor 1", "--output", target)

    network, spec = read_model(target)
    final, _ = read_model(run / "model.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), final.parameters(), strict=True))
    assert (spec.name, spec.cases) == ("Tumor 1", tuple(NAMES))
    assert {line.convention for line in held_out_figures(spec)} == {"brats2021"}

    card = target.with_suffix(".md").read_text()
    assert card.startswith("# Model card: Tumor 1\n")
    assert re.search(r"3 cases, 6 steps in \d+\.\d minutes, adamw.*, learning_rate=0\.1", card)
    assert re.search(r"\| hardware \| 1 x .*CPU \(.*PyTorch", card)
    assert "3 cases of 2 patients: the training side of `split_of_4.json`, which holds 1 out" in card
    assert "| mean | 85.0 [80.0, 90.0] |" in card and "| median | 85.0 [80.0, 90.0] |" in card
    for convention in ("paper", "brats2021"):
        assert f"Convention `{convention}`, inference mode windows mirror all: " in card
    heads = next(line for line in card.splitlines() if line.startswith("| | Dice WT %"))
    assert heads.count("|") == 8
    assert "Of another model" not in card
    assert "learning_rate: 0.1\n" in card and "not a medical device" in card


def test_figures_on_training_cases_are_said_to_be_of_another_model(run, tmp_path, monkeypatch):
    figures = evaluation(tmp_path / "evaluation", (NAMES[0], "BraTS-GLI-00009-000"))
    target = tmp_path / "all.safetensors"
    command(monkeypatch, "--run", run, "--evaluation", figures, "--name", "all", "--output", target)
    assert "**Of another model.** 1 of the measured cases" in target.with_suffix(".md").read_text()


def test_without_an_evaluation_the_card_says_so(run, tmp_path, monkeypatch):
    command(monkeypatch, "--run", run, "--name", "a", "--output", tmp_path / "a.safetensors")
    assert "Not measured" in (tmp_path / "a.md").read_text()


def test_checkpoints_are_averaged(run, tmp_path, monkeypatch):
    (run / "model.safetensors").unlink()  # as after a training that was stopped
    saved = sorted((run / "checkpoints").glob("step_*.pt"))
    averages = [torch.load(path, weights_only=True)["state"]["average"] for path in saved]
    for count in (1, 3):
        target = tmp_path / f"{count}.safetensors"
        command(monkeypatch, "--run", run, "--checkpoints", count, "--name", "s", "--output", target)
        weights = read_model(target)[0].state_dict()
        for name in weights:
            expected = torch.stack([one[name] for one in averages[-count:]]).mean(0)
            torch.testing.assert_close(weights[name], expected, atol=1e-3, rtol=1e-3)
    assert not torch.equal(averages[0]["convolution.weight"], averages[2]["convolution.weight"])
    _, spec = read_model(tmp_path / "3.safetensors")
    assert "6 steps" in spec.training
    assert spec.training.endswith("mean of the weights at steps 6, 5, 4")
    with pytest.raises(SegMambaError, match="holds 3 checkpoints, not 4"):
        checkpoint_average.average_of_checkpoints(run, read_run(run), 4)


def test_another_folder_is_no_run(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        command(monkeypatch, "--run", tmp_path, "--name", "a", "--output", tmp_path / "a.safetensors")
    assert f"{tmp_path}: is no output folder of Training/train.py" in capsys.readouterr().err
    assert not (tmp_path / "a.safetensors").exists()


def test_the_shipped_model_is_found_checked_and_knows_its_figures(box, tmp_path):
    torch.manual_seed(0)
    network = build_network("small", 4, 3)
    figures = {"held_out": export.held_out_figures(evaluation(tmp_path / "evaluation"))}
    spec = model_spec("sigmoid", training="2 cases")
    target = export.into_box(network, replace(spec, name="small-test", figures=figures))

    assert [path.name for path in box.glob("*.safetensors")] == ["small-test.safetensors"]
    checksum, name = (box / "SHA256SUMS").read_text(encoding="utf-8").split()
    assert (checksum, name) == (hashlib.sha256(target.read_bytes()).hexdigest(), target.name)
    (entry,) = [entry for entry in library.list_models() if entry.shipped]
    assert (entry.name, entry.problem) == ("small-test", "")
    mean, median = held_out_figures(read_model(target)[1])
    assert (mean.statistic, mean.way, mean.cases) == ("mean", "windows, mirrors all", 2)
    assert (mean.dice["WT"], median.hd95_mm["ET"]) == (0.85, 5.0)


def test_a_file_too_large_for_the_repository_leaves_the_old_weights(box, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "LARGEST_BYTES", 10**6)
    with pytest.raises(SegMambaError, match="more than the 1000000"):
        export.into_box(build_network("small", 4, 3), model_spec("sigmoid"))
    assert [path.name for path in box.iterdir()] == ["old.safetensors"]


def test_a_missing_evaluation_is_told(tmp_path):
    with pytest.raises(SegMambaError, match=r"summary.csv: cannot be read"):
        export.held_out_figures(tmp_path)


def test_unwritable_weights_leave_no_card(run, tmp_path):
    network, spec = read_model(run / "model.safetensors")
    with pytest.raises(SegMambaError, match="cannot be written"):
        export.export(network, spec, tmp_path / "none" / "a.safetensors", (read_run(run), run), None)


def test_figures_without_some_contrasts_go_into_the_file(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"model": "m", "corruption": name, "case": case}
        | {column_name("dice", region, "brats2021"): value for region in ("WT", "TC", "ET")}
        for name in ("none", "T1 missing", "T1Gd and T2 missing")
        for case, value in (("a", 0.4), ("b", 0.6))
    ]
    write_table(rows, tmp_path / "robustness.csv")
    figures = {"missing": export.missing_contrast_figures(tmp_path)}
    spec = replace(model_spec("sigmoid"), figures=figures)
    assert missing_contrast_dice(spec, ["t2w", "t1c"]) == {"WT": 0.5, "TC": 0.5, "ET": 0.5}
    assert set(figures["missing"]) == {"t1n", "t1c+t2w"}

    write_table([*rows, {**rows[0], "model": "other"}], tmp_path / "robustness.csv")
    with pytest.raises(SegMambaError, match="several models"):
        export.missing_contrast_figures(tmp_path)


def test_a_training_with_dropped_contrasts_says_so(run: Path) -> None:
    record = read_run(run)
    assert record.spec(1, 1.0).missing_contrasts == 0
    augmentation = replace(record.config.augmentation, p_contrast_dropout=0.2)
    record = replace(record, config=replace(record.config, augmentation=augmentation))
    assert record.spec(1, 1.0).missing_contrasts == 2
