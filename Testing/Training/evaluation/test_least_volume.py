"""The volume below which a region is taken for absent, on tables whose answer is plain."""

from __future__ import annotations

import pytest

from SegMambaCore.errors import SegMambaError
from Training.evaluation.least_volume import CANDIDATES, choose


def _row(found: int, there: int, dice: float) -> dict[str, str]:
    return {"voxels_ET": str(found), "reference_voxels_ET": str(there), "dice_ET_brats2021": str(dice)}


FALSE, TRUE = _row(60, 0, 0.0), _row(400, 500, 0.8)


def test_false_specks_are_dropped_and_true_lesions_kept() -> None:
    choice = choose("ET", [[FALSE, TRUE, TRUE, TRUE]])
    assert choice.best == 75  # the first candidate above 60 voxels
    assert choice.dice[0] == pytest.approx(2.4 / 4)
    assert choice.gain == pytest.approx(0.25)
    assert choice.honest_gain is None
    below, above = (choice.dice[CANDIDATES.index(voxels)] for voxels in (400, 500))
    assert below == pytest.approx(3.4 / 4)
    assert above == pytest.approx(1 / 4)  # the true ones are lost as well


def test_nothing_is_dropped_where_small_lesions_are_true() -> None:
    choice = choose("ET", [[_row(30, 40, 0.7), TRUE], [_row(0, 0, 1.0)]])
    assert (choice.best, choice.gain, choice.honest_gain) == (0, 0.0, 0.0)


def test_the_honest_gain_is_of_cases_that_had_no_say() -> None:
    # The first fold alone would drop up to 75 voxels, at the cost of the second's true lesion.
    first, second = [FALSE, FALSE, TRUE], [_row(70, 80, 0.9), TRUE]
    choice = choose("ET", [first, second])
    assert choice.best == 75
    assert choice.gain == pytest.approx((1 + 1 - 0.9) / 5)
    assert choice.honest_gain == pytest.approx((0 + 0 - 0.9) / 5)


def test_a_table_without_the_column_is_named() -> None:
    with pytest.raises(SegMambaError, match="no column `voxels_TC`"):
        choose("TC", [[FALSE]])
