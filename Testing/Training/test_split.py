"""Splits keep a patient's scans together, and the shipped one is what its seed gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from SegMambaCore.errors import SegMambaError
from Training.split import draw_folds, draw_parts, draw_split, main, patient_of, read_split

CONFIGS = Path(__file__).resolve().parents[2] / "Training" / "configs"
SHIPPED = CONFIGS / "split_44.json"


def test_no_patient_is_on_both_sides() -> None:
    cases = [
        f"BraTS-GLI-{patient:05d}-{scan:03d}" for patient in range(30) for scan in range(1 + patient % 3)
    ]
    split = draw_split(cases, 8, seed=1)
    assert sorted(split.training + split.held_out) == cases
    training, held_out = ({patient_of(case) for case in side} for side in (split.training, split.held_out))
    assert not training & held_out
    assert len(held_out) == 8


def test_shipped_split_follows_from_its_seed() -> None:
    split = read_split(SHIPPED)
    assert (len(split.training), len(split.held_out)) == (34, 10)
    seed = json.loads(SHIPPED.read_text(encoding="utf-8"))["seed"]
    assert draw_split([*reversed(split.held_out), *split.training], 10, seed) == split


def test_every_patient_is_held_out_in_one_fold() -> None:
    cases = [
        f"BraTS-GLI-{patient:05d}-{scan:03d}" for patient in range(22) for scan in range(1 + patient % 3)
    ]
    folds = draw_folds(cases[::-1], 5, seed=1)
    assert sorted(case for fold in folds for case in fold.held_out) == cases
    for fold in folds:
        training, held_out = ({patient_of(case) for case in side} for side in (fold.training, fold.held_out))
        assert sorted(fold.training + fold.held_out) == cases
        assert not training & held_out
        assert len(held_out) in (4, 5)


def test_shipped_folds_follow_from_their_seed() -> None:
    files = sorted((CONFIGS / "folds_44").glob("fold_*.json"))
    folds = [read_split(path) for path in files]
    seed = json.loads(files[0].read_text(encoding="utf-8"))["seed"]
    whole = read_split(SHIPPED)
    assert draw_folds([*whole.training, *whole.held_out], 5, seed) == folds


@pytest.mark.parametrize("number", [0, 3, 9])
def test_more_than_there_are_is_refused(number: int) -> None:
    with pytest.raises(SegMambaError, match="there are 3"):
        draw_split(["a", "b", "c"], number, seed=0)
    with pytest.raises(SegMambaError, match="of 1 patients"):
        draw_folds(["a"], number + 2, seed=0)


def test_parts_hold_their_share_of_the_patients_and_share_none() -> None:
    cases = [
        f"BraTS-GLI-{patient:05d}-{scan:03d}" for patient in range(50) for scan in range(1 + patient % 3)
    ]
    split = draw_parts(cases[::-1], (70, 10, 20), seed=3)
    sides = [
        {patient_of(case) for case in side} for side in (split.training, split.validation, split.held_out)
    ]
    assert [len(side) for side in sides] == [35, 5, 10]
    assert sorted(split.training + split.validation + split.held_out) == cases
    assert len(set.union(*sides)) == 50
    assert split == draw_parts(cases, (70, 10, 20), seed=3) != draw_parts(cases, (70, 10, 20), seed=4)
    with pytest.raises(SegMambaError, match="would be empty"):
        draw_parts(["a", "b", "c"], (70, 10, 20), seed=0)


def test_the_script_writes_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        (tmp_path / f"BraTS2021_{number:05d}.b2nd").touch()
    path = tmp_path / "splits" / "split.json"
    arguments = ["split.py", "--data", str(tmp_path), "--parts", "70/10/20", "--output", str(path)]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    split = read_split(path)
    assert [len(side) for side in (split.training, split.validation, split.held_out)] == [7, 1, 2]


@pytest.mark.parametrize("parts", ["70/30", "70/10/10", "0/50/50", "a/b/c"])
def test_parts_that_do_not_make_a_whole_are_refused(
    parts: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["split.py", "--data", "d", "--parts", parts, "--output", "o"])
    with pytest.raises(SystemExit):
        main()
    assert "70/10/20" in capsys.readouterr().err


def test_what_is_no_split_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    for name in ("other.json", "none.json"):
        with pytest.raises(SegMambaError, match="is no split"):
            read_split(tmp_path / name)
