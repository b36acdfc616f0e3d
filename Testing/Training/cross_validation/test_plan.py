"""Which runs there are, what they would call, and when one is finished."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.synthetic import SHIPPED
from Training.cross_validation.plan import Recipe, Variant, plan_runs, shell_line

VARIANTS = [Variant("baseline", ()), Variant("dropout", ("p_contrast_dropout=0.3",))]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    for number in (1, 2):
        (tmp_path / f"fold_{number}.json").write_text("{}", encoding="utf-8")
    return Recipe(SHIPPED, tmp_path / "packs", 2.5, "onepass")


def _folds(recipe: Recipe) -> list[Path]:
    return [recipe.data.parent / f"fold_{number}.json" for number in (1, 2)]


def test_every_variant_meets_every_fold_and_seed_in_a_folder_of_its_own(
    recipe: Recipe, tmp_path: Path
) -> None:
    runs = plan_runs(VARIANTS, _folds(recipe), [7, 8], recipe, tmp_path / "out")
    assert len({run.folder for run in runs}) == 8
    assert [run.title for run in runs[:3]] == [
        "baseline fold_1-seed_7",
        "dropout fold_1-seed_7",
        "baseline fold_2-seed_7",
    ]
    train, evaluate = runs[1].commands()
    assert train[0].endswith("Training/train.py") and Path(train[0]).is_file()
    assert train[train.index("--set") + 1] == "p_contrast_dropout=0.3"
    assert "seed=7" in train
    assert train[train.index("--split") + 1] == evaluate[evaluate.index("--split") + 1]
    assert evaluate[-2:] == ["--mode", "onepass"]
    assert "CUDA_VISIBLE_DEVICES=1" in shell_line(runs[1], "1")


def test_a_run_is_finished_with_its_table_and_refuses_other_settings(recipe: Recipe, tmp_path: Path) -> None:
    run = plan_runs(VARIANTS, _folds(recipe), [1], recipe, tmp_path / "out")[1]
    assert not run.is_finished()
    run.begin()
    assert not run.is_finished()
    run.cases.write_text("case\n", encoding="utf-8")
    assert run.is_finished()
    other = replace(run, variant=Variant("dropout", ("p_contrast_dropout=0.5",)))
    with pytest.raises(SegMambaError, match="holds a run with another p_contrast_dropout"):
        other.is_finished()
    with pytest.raises(SegMambaError, match="another minutes"):
        replace(run, recipe=replace(recipe, minutes=5.0)).is_finished()


def test_wrong_plans_are_refused_before_anything_runs(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="no such fold"):
        plan_runs(VARIANTS, [tmp_path / "fold_9.json"], [1], recipe, tmp_path)
    with pytest.raises(SegMambaError, match="the same name"):
        plan_runs([VARIANTS[0], VARIANTS[0]], _folds(recipe), [1], recipe, tmp_path)
    with pytest.raises(SegMambaError, match="p_contrast"):
        plan_runs([Variant("wrong", ("p_contrast_dropout=x",))], _folds(recipe), [1], recipe, tmp_path)
