"""The whole way from cases to the page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from SegMambaCore.case.find import find_case_files
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import read_label_map
from Training import reproduce
from Training.comparison.evaluated import TABLE
from Training.config import read_config
from Training.synthetic_cohort import write_cohort

ROOT = Path(__file__).resolve().parents[2]


class Commands:
    """Stands in for the programs: notes what was called and leaves the files that the next step looks for."""

    def __init__(self) -> None:
        self.called: list[tuple[str, dict[str, list[str]]]] = []
        self.fails = ""
        self.step = 7

    def run(self, command: list[str]) -> SimpleNamespace:
        assert command[0] == sys.executable and Path(command[1]).is_file()
        script, options, option = Path(command[1]).name, {}, ""
        for word in command[2:]:
            option = word if word.startswith("--") else option
            options.setdefault(option, []).extend([] if word.startswith("--") else [word])
        self.called.append((script, options))
        if script == self.fails:
            return SimpleNamespace(returncode=1)
        output = Path(options["--output"][0])
        if script == "split.py":
            output.write_text("{}")
        if script == "train.py":
            (output / "checkpoints").mkdir(parents=True, exist_ok=True)
            for path in (output / "checkpoints" / f"step_{self.step:08d}.pt", output / "model.safetensors"):
                path.touch()
        if script == "evaluate.py":
            (output / TABLE).touch()
        return SimpleNamespace(returncode=0)


@pytest.fixture
def commands(monkeypatch):
    commands = Commands()
    monkeypatch.setattr(reproduce.subprocess, "run", commands.run)
    return commands


def main(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["reproduce.py", *map(str, arguments)])
    reproduce.main()


def test_every_step_is_called_in_order_with_what_the_one_before_it_left(
    commands, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "out"
    output.mkdir()
    networks = ["tom", "unetr"]
    main(monkeypatch, "--data", tmp_path, "--minutes", 5, "--networks", *networks, "--output", output)
    each = ["train.py", "predict.py", "evaluate.py"]
    assert [script for script, _ in commands.called] == ["prepare.py", "split.py", *each, *each, "compare.py"]
    _, split, train, predict, evaluate, *_, (_, compare) = [*commands.called]
    assert split[1]["--data"] == train[1]["--data"] == [str(output / "packs")]
    assert split[1]["--parts"] == ["70/10/20"]
    assert (train[1]["--minutes"], train[1]["--set"]) == (["5.0"], ["network=tom"])
    assert "--steps" not in train[1]
    assert train[1]["--split"] == predict[1]["--split"] == evaluate[1]["--split"] == split[1]["--output"]
    assert predict[1]["--model"] == [f"{train[1]['--output'][0]}/model.safetensors"]
    assert evaluate[1]["--predictions"] == predict[1]["--output"]
    assert evaluate[1]["--references"] == [str(tmp_path)] and "--labels" not in evaluate[1]
    assert re.search(
        r"\$ python .*compare.py 'SegMamba \(public code\)=\S+/tom' UNETR=", capsys.readouterr().out
    )
    assert compare["--output"] == [str(output / "comparison")]


def test_a_step_that_fails_ends_it_and_the_next_call_goes_on(commands, tmp_path, monkeypatch, capsys):
    output = tmp_path / "out"
    output.mkdir()
    arguments = ("--data", tmp_path, "--networks", "small", "--output", output)
    commands.fails = "evaluate.py"
    with pytest.raises(SystemExit):
        main(monkeypatch, *arguments)
    assert re.search(r"failed \(exit code 1\):\npython .*evaluate.py", capsys.readouterr().err)
    commands.fails, commands.called = "", []
    main(monkeypatch, *arguments)
    assert [script for script, _ in commands.called] == [
        "prepare.py",
        "predict.py",
        "evaluate.py",
        "compare.py",
    ]


def test_weights_that_no_step_has_moved_are_not_compared(commands, tmp_path, monkeypatch, capsys):
    output = tmp_path / "out"
    output.mkdir()
    commands.step = 0
    with pytest.raises(SystemExit):
        main(monkeypatch, "--data", tmp_path, "--networks", "small", "--output", output)
    assert "small: there was no time for a single step" in capsys.readouterr().err
    assert not (output / "small" / "model.safetensors").exists()


def test_the_changes_for_synthetic_cases_fit_the_configuration():
    config = read_config(ROOT / "Training" / "configs" / "small.yaml", reproduce.SYNTHETIC_CHANGES)
    assert (config.patch, config.augmentation.p_rotation) == ((32, 32, 32), 0.0)


def test_synthetic_cases_are_those_of_a_cohort(tmp_path):
    first, second = write_cohort(tmp_path, 2)
    assert [first.name, second.name] == ["Synthetic-000", "Synthetic-001"]
    assert set(find_case_files(first)) == {"t1n", "t1c", "t2w", "t2f"}
    labels = read_label_map(first / "Synthetic-000-seg.nii.gz")
    assert set(np.unique(labels.array)) == {0, 1, 2, 3}
    assert labels.grid.spacing == (1.0, 1.0, 1.0)
    written = (first / "Synthetic-000-t1n.nii.gz").stat().st_mtime_ns
    list(write_cohort(tmp_path, 2))
    assert (first / "Synthetic-000-t1n.nii.gz").stat().st_mtime_ns == written
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(SegMambaError, match="cannot be made"):
        list(write_cohort(blocked, 1))


def test_the_documents_hours_are_those_of_the_configurations():
    passes = []
    for name in ("paper", "public_code"):
        config = read_config(ROOT / "Training" / "configs" / f"{name}.yaml")
        passes.append(config.epochs * config.steps_per_epoch * config.batches_per_step)
    text = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)`.*?\| (\d+)[^|]*\|[^|]*\| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert len(rows) == 12
    sums = [0.0, 0.0]
    for number, (_, ms, *hours) in enumerate(rows):
        for place, told in enumerate(map(float, hours)):
            assert told == pytest.approx(passes[place] * float(ms) / 3.6e6, abs=0.06)
            sums[place] += told if number < 8 else 0.0
    total = re.search(r"\| \*\*Table 1\*\* \| \| \| \*\*([\d.]+)\*\* \| \*\*([\d.]+)\*\* \|", text)
    assert [float(total[1]), float(total[2])] == pytest.approx(sums, abs=0.2)


@pytest.mark.slow
def test_the_whole_way_ends_in_the_page(tmp_path, monkeypatch, capfd):
    """SegMamba and two rivals, from nothing to the page, by the real programs."""
    main(monkeypatch, "--output", tmp_path / "out")
    page = (tmp_path / "out" / "comparison" / "index.html").read_text()
    assert all(name in page for name in ("SegMamba (small)", "SegResNet, 16 filters", "MedNeXt-S"))
    assert page.count("data:image/png") >= 8
    assert "No picture" not in page
