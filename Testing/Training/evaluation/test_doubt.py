"""The limit on a network's promise, on tables whose answer is plain."""

from __future__ import annotations

import pytest

from SegMambaCore.errors import SegMambaError
from Training.evaluation.doubt import Rates, choose_limit


def _row(promise: float, dice: float) -> dict[str, str]:
    return {"expected_dice_ET": str(promise), "dice_ET_brats2021": str(dice)}


GOOD = [_row(0.9, 0.85), _row(0.8, 0.9), _row(0.95, 0.71)]
BAD = [_row(0.6, 0.3), _row(0.5, 0.0)]


def test_a_limit_that_separates_is_found_between_the_groups() -> None:
    limit = choose_limit("ET", [[*GOOD, *BAD]])
    assert limit.least == pytest.approx(0.7)
    assert limit.fitted == Rates(failures=2, hits=2, others=3, false_alarms=0)
    assert str(limit.fitted) == "2 of 2 failures warned of, 0 of 3 others"
    assert limit.honest is None


def test_honest_rates_are_of_folds_that_had_no_say() -> None:
    confident = [_row(0.92, 0.2), _row(0.97, 0.9)]  # fails, and promises much
    limit = choose_limit("ET", [[*GOOD, *BAD], confident])
    assert limit.honest == Rates(
        failures=3,
        hits=2,
        others=4,
        # The second fold's own limit, 0.945, is applied to the first one.
        false_alarms=2,
    )


def test_without_failures_there_is_no_limit() -> None:
    limit = choose_limit("ET", [GOOD])
    assert limit.least == 0
    assert limit.fitted == Rates(0, 0, 3, 0)


def test_a_table_without_promises_is_named() -> None:
    with pytest.raises(SegMambaError, match="no column `expected_dice_ET`"):
        choose_limit("ET", [[{"dice_ET_brats2021": "1"}]])
