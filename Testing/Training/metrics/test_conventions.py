"""Empty masks in each convention, and columns that name theirs."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.model_file.figures import _COLUMN
from Testing.Training.metrics.masks import SHAPE, SPACING, blobs
from Training.metrics.conventions import CONVENTIONS, column_name, convention_of, is_count, measure

EMPTY, BLOB = np.zeros(SHAPE, dtype=np.bool_), blobs(0)

# Dice and HD95 in mm: both empty, prediction empty, reference empty.
RULES = {
    "paper": ((0.0, 50.0), (0.0, 50.0), (0.0, 50.0)),
    "brats2021": ((1.0, 0.0), (0.0, 373.13), (0.0, 373.13)),
    "brats2023": ((1.0, 0.0), (0.0, 374.0), (0.0, 374.0)),
}


@pytest.mark.parametrize("convention", list(CONVENTIONS))
def test_empty_masks(convention):
    pairs = ((EMPTY, EMPTY), (EMPTY, BLOB), (BLOB, EMPTY))
    for (prediction, reference), expected in zip(pairs, RULES[convention], strict=True):
        scores = CONVENTIONS[convention](prediction, reference, SPACING)
        assert tuple(scores.values())[:2] == expected


def test_every_column_names_its_convention_once():
    masks = dict.fromkeys(("WT", "TC", "ET"), BLOB)
    columns = measure(masks, masks, SPACING, list(CONVENTIONS))
    assert {convention_of(column) for column in columns} == set(CONVENTIONS)
    assert len(columns) == 3 * (2 + 2 + 5)
    assert columns["dice_WT_paper"] == columns["lesionwise_dice_ET_brats2023"] == 1.0
    assert [is_count(column) for column in ("fp_WT_brats2023", "dice_WT_paper")] == [True, False]


def test_other_columns_have_no_convention():
    for column in ("case", "seconds", "mode", "voxels_WT", "reference_voxels_WT", "dice", "labels"):
        assert convention_of(column) is None, column


def test_a_model_file_reads_the_columns_of_brats2021():
    match = _COLUMN.fullmatch(column_name("hd95", "WT", "brats2021"))
    assert match is not None and match.groups() == ("hd95", "WT", "brats2021")
