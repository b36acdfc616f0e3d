"""Splits keep a patient's scans together, and the shipped one is what its seed gives."""

from __future__ import annotations

import json
from pathlib import Path

from Training.split import draw_split, patient_of, read_split

SHIPPED = Path(__file__).resolve().parents[2] / "Training" / "configs" / "split_44.json"


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
