"""Which axes are flipped."""

from __future__ import annotations

import pytest

from SegMambaCore.inference.mirrors import mirror_axes


def test_all_has_every_subset_once_and_starts_unflipped() -> None:
    passes = mirror_axes("all", "LPS")
    assert passes[0] == ()
    assert {frozenset(axes) for axes in passes} == {
        frozenset(axes) for axes in [(), (2,), (3,), (4,), (2, 3), (2, 4), (3, 4), (2, 3, 4)]
    }


@pytest.mark.parametrize(
    ("orientation", "axis"), [("LPS", 4), ("RAS", 4), ("PLS", 3), ("SAR", 2), ("PIR", 2)]
)
def test_leftright_flips_the_left_right_axis(orientation: str, axis: int) -> None:
    assert mirror_axes("leftright", orientation) == [(), (axis,)]


def test_none_is_one_pass() -> None:
    assert mirror_axes("none", "LPS") == [()]


def test_unresolved_or_without_left_and_right() -> None:
    with pytest.raises(ValueError, match="resolved"):
        mirror_axes("auto", "LPS")
    with pytest.raises(ValueError, match="left-right"):
        mirror_axes("leftright", "APS")
