"""The table of variants against figures computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.synthetic import SHIPPED
from Training.cross_validation.gather import DICE, LESIONWISE, gather, markdown
from Training.cross_validation.plan import Recipe, Run, Variant
from Training.evaluation.table import Row, write_table


def _run(folder: Path, variant: str, fold: int, seed: int, dice: dict[str, float]) -> Run:
    """A finished run whose cases have these Dice for WT; TC has 0.1 less, ET 0.2 less."""
    recipe = Recipe(SHIPPED, folder, 2.0, None)
    path = folder / variant / f"fold_{fold}-seed_{seed}"
    run = Run(Variant(variant, ()), folder / f"fold_{fold}.json", seed, recipe, path)
    run.begin()
    rows: list[Row] = []
    for case, value in dice.items():
        row: Row = {"case": case, "mode": "onepass", "mirror": "none"}
        row |= {name: value - 0.1 * n for n, name in enumerate(DICE)}
        rows.append(row | dict.fromkeys(LESIONWISE, 0.5))
    write_table(rows, run.cases)
    return run


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    return [
        _run(tmp_path, "baseline", 1, 1, {"a": 0.8, "b": 0.6}),
        _run(tmp_path, "baseline", 1, 2, {"a": 0.82, "b": 0.62}),
        _run(tmp_path, "baseline", 2, 1, {"c": 0.4}),
        _run(tmp_path, "better", 1, 1, {"a": 0.9, "b": 0.7}),
        _run(tmp_path, "better", 1, 2, {"a": 0.9, "b": 0.7}),
        _run(tmp_path, "noise", 1, 1, {"a": 0.81, "b": 0.62}),
        _run(tmp_path, "noise", 1, 2, {"a": 0.83, "b": 0.6}),
    ]


def test_means_spreads_and_gains_are_those_computed_by_hand(runs: list[Run]) -> None:
    lines = {line.variant: line for line in gather(runs, "baseline")}
    baseline, better, noise = (lines[name] for name in ("baseline", "better", "noise"))
    assert baseline.mean == pytest.approx(np.mean([0.8, 0.6, 0.82, 0.62, 0.4]) - 0.1)
    assert baseline.dice == pytest.approx([0.648, 0.548, 0.448])
    # The third case was met by one seed alone and says nothing about seeds.
    assert baseline.spread == pytest.approx(np.std([0.7, 0.72], ddof=1))
    assert (baseline.scores, baseline.cases, baseline.verdict) == (5, 3, "reference")
    assert better.gain == pytest.approx(0.09)
    assert better.interval == pytest.approx((0.09, 0.09))
    assert better.verdict == "kept"
    assert noise.gain == pytest.approx(0.005)
    assert noise.verdict == "no gain"
    assert better.lesionwise == pytest.approx(0.5)


def test_an_interval_is_over_patients_and_the_table_tells_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = {f"case{n}": float(x) for n, x in enumerate(rng.uniform(0.5, 0.9, 30))}
    gains = rng.normal(0.03, 0.05, 30)
    second = {case: value + gain for (case, value), gain in zip(first.items(), gains, strict=True)}
    runs = [_run(tmp_path, "baseline", 1, 1, first), _run(tmp_path, "other", 1, 1, second)]
    other = next(line for line in gather(runs, "baseline") if line.variant == "other")
    assert other.interval is not None
    half = 1.96 * gains.std(ddof=1) / np.sqrt(30)
    assert other.interval == pytest.approx((gains.mean() - half, gains.mean() + half), abs=4e-3)
    assert other.verdict == "one seed"
    table = list(markdown(gather(runs, "baseline"), "baseline"))
    assert len({line.count("|") for line in table}) == 1
    assert table[2].startswith("| other | onepass, mirrors none | 30, 30 |")


def test_nothing_to_gather_is_said(tmp_path: Path, runs: list[Run]) -> None:
    with pytest.raises(SegMambaError, match="nothing to gather"):
        gather([], "baseline")
    with pytest.raises(SegMambaError, match="dynunet has no finished run"):
        gather(runs, "dynunet")
