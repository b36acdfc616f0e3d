"""Processes on GPUs that are not there: small programs stand in for training and evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.Training.synthetic import SHIPPED
from Training.cross_validation import plan
from Training.cross_validation.execute import execute
from Training.cross_validation.plan import Recipe, Run, Variant

TRAIN = """
import os, pathlib, sys
folder = pathlib.Path(sys.argv[1])
if folder.parent.name == "broken":
    sys.exit("it is broken")
(folder / "model.safetensors").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
(folder / "checkpoints").mkdir()
(folder / "checkpoints" / "step_00000001.pt").write_text("large")
"""
EVALUATE = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
(folder / "cases.csv").write_text("case\\n" + (folder / "model.safetensors").read_text())
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "evaluate.py").write_text(EVALUATE, encoding="utf-8")

    def commands(run: Run) -> list[list[str]]:
        return [[str(tmp_path / name), str(run.folder)] for name in ("train.py", "evaluate.py")]

    monkeypatch.setattr(plan.Run, "commands", commands)
    recipe = Recipe(SHIPPED, tmp_path, 2.0, None)
    fold = tmp_path / "fold_1.json"
    return [
        Run(Variant(name, ()), fold, seed, recipe, tmp_path / "out" / name / f"fold_1-seed_{seed}")
        for name in ("good", "broken")
        for seed in (1, 2)
    ]


def test_runs_are_finished_failures_named_and_checkpoints_gone(runs: list[Run]) -> None:
    said: list[str] = []
    failed = execute(runs, ["3", "5"], float("inf"), said.append)
    assert {run.title for run in failed} == {"broken fold_1-seed_1", "broken fold_1-seed_2"}
    assert [run.is_finished() for run in runs] == [True, True, False, False]
    assert {run.cases.read_text().split()[1] for run in runs[:2]} <= {"3", "5"}
    assert not any((run.folder / "checkpoints").exists() for run in runs)
    assert sum("failed (train.py): it is broken" in line for line in said) == 2


def test_a_model_is_measured_while_the_next_one_trains(
    runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = "import time\nend = time.monotonic() + 20\n"
    waits += "other = folder.parent / 'fold_1-seed_2'\n"
    waits += "while not (other / 'log.txt').exists() and time.monotonic() < end: time.sleep(0.02)\n"
    waits += "(folder / 'cases.csv').write_text('case\\n' + str((other / 'log.txt').exists()))\n"
    script = EVALUATE.replace('(folder / "cases.csv")', waits + '(folder / "other.csv")')
    (tmp_path / "evaluate.py").write_text(script, encoding="utf-8")
    assert execute(runs[:2], ["0"], float("inf"), lambda _: None) == []
    assert runs[0].cases.read_text() == "case\nTrue"


def test_a_model_that_is_there_is_only_measured(runs: list[Run]) -> None:
    run = runs[2]  # its training would fail
    run.begin()
    run.model.write_text("0")
    assert execute([run], ["0"], float("inf"), lambda _: None) == []
    assert run.is_finished()


def test_no_run_starts_that_would_end_too_late(runs: list[Run]) -> None:
    said: list[str] = []
    assert execute(runs, ["0"], 2.5, said.append) == []
    assert not any(run.folder.exists() for run in runs)
    assert sum("left for another time" in line for line in said) == 4
