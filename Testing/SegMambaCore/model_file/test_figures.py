"""The figures in a model file are read as Training/export.py writes them, and never invented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from SegMambaCore.model_file.checksum import read_checked_spec
from SegMambaCore.model_file.figures import Figures, held_out_figures, missing_contrast_dice
from SegMambaCore.model_file.library import list_models

from .test_safetensors_file import SPEC

ROW = {
    "cases": "10",
    "seconds": "9.1",
    "dice_WT_brats2021": "0.8531",
    "dice_ET_brats2021": "0.6338",
    "hd95_WT_brats2021_mm": "14.37",
    "hd95_ET_brats2021_mm": "59.21",
}


def test_a_line_of_the_summary() -> None:
    spec = replace(SPEC, figures={"held_out": {"mean, windows, mirrors all": ROW}})
    assert held_out_figures(spec) == [
        Figures(
            "mean",
            "windows, mirrors all",
            10,
            "brats2021",
            {"WT": 0.8531, "ET": 0.6338},
            {"WT": 14.37, "ET": 59.21},
        )
    ]


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"dice": {"WT": 0.9}},
        {"held_out": "0.9"},
        {"held_out": {"mean": ROW}},
        {"held_out": {"mean, windows": {}}},
        {"held_out": {"mean, windows": {**ROW, "dice_WT_brats2021": "good"}}},
        {"held_out": {"mean, windows": {**ROW, "dice_TC_paper": "0.9"}}},
    ],
)
def test_what_it_does_not_understand_it_does_not_tell(figures: dict) -> None:
    assert held_out_figures(replace(SPEC, figures=figures)) == []


def test_the_shipped_model_has_figures() -> None:
    spec, _ = read_checked_spec(next(entry.path for entry in list_models() if entry.shipped))
    lines = held_out_figures(spec)
    assert {line.statistic for line in lines} == {"mean", "median"}
    assert all(set(line.dice) == set(line.hd95_mm) == {"WT", "TC", "ET"} for line in lines)


def test_what_input_without_some_contrasts_reached() -> None:
    spec = replace(SPEC, figures={"missing": {"t1n+t2f": {"WT": "0.8000", "TC": "0.7", "ET": "0.6"}}})
    assert missing_contrast_dice(spec, ["t2f", "t1n"]) == {"WT": 0.8, "TC": 0.7, "ET": 0.6}
    assert missing_contrast_dice(spec, ["t2f"]) is None
    assert missing_contrast_dice(SPEC, ["t2f"]) is None
    for nonsense in ("text", {"t2f": "text"}, {"t2f": {"WT": "much"}}):
        assert missing_contrast_dice(replace(SPEC, figures={"missing": nonsense}), ["t2f"]) is None
