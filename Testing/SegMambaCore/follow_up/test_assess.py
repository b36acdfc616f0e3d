"""Percentages and thresholds against hand-computed courses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from SegMambaCore.errors import SegMambaError
from SegMambaCore.follow_up.assess import Assessment, FollowUp, Row, assess
from SegMambaCore.follow_up.time_point import TimePoint, Treatment

from .courses import START, course

AFTER = Treatment.AFTER_RADIOTHERAPY


def row(assessment: Assessment, point: str, measure: str = "product") -> Row:
    return next(row for row in assessment.rows if row.point.name == point and row.measure.key == measure)


def test_baseline_and_nadir() -> None:
    """800 at the baseline, down to 400, up to 500, 490, 1000."""
    found = assess(FollowUp(course([1600, 800, 400, 500, 490, 1000]), "B"))
    table = {name: row(found, name) for name in "ABCDEF"}
    assert table["A"].against_baseline.text == table["A"].against_nadir.text == "before the baseline"
    assert table["B"].against_baseline.text == "baseline"
    assert [table[name].against_baseline.percent for name in "CDEF"] == [-50, -37.5, -38.75, 25]
    # The nadir of C is the baseline, of all later ones C: never the time point itself.
    assert [table[name].nadir and table[name].nadir.name for name in "CDEF"] == ["B", "C", "C", "C"]
    assert [table[name].against_nadir.percent for name in "CDEF"] == [-50, 25, 22.5, 150]
    assert [table[name].threshold for name in "ABCDEF"] == [
        "",
        "",
        "-50 % product reached (against baseline)",
        "+25 % product reached (against nadir)",
        "none reached",
        "+25 % product reached (against nadir)",
    ]


@pytest.mark.parametrize(
    ("value", "threshold"),
    [
        (14.0, "+40 % volume reached (against nadir)"),
        (13.999, "none reached"),
        (3.5, "-65 % volume reached (against baseline)"),
        (3.501, "none reached"),
        (0.0, "-65 % volume reached (against baseline)"),
    ],
)
def test_thresholds_of_the_enhancing_volume(value: float, threshold: str) -> None:
    found = row(assess(FollowUp(course([1, 1], [10, value]), "A")), "B", "ET")
    assert found.threshold == threshold
    if threshold == "none reached":
        # 39.99 % must not read as 40 %.
        assert found.against_baseline.text in ("+39.99 %", "-64.99 %")


def test_wt_and_tc_have_no_threshold() -> None:
    found = assess(FollowUp(course([1, 1], [10, 40]), "A"))
    for measure in ("WT", "TC"):
        assert row(found, "B", measure).against_baseline.percent == 300
        assert row(found, "B", measure).threshold == "no threshold defined"


def test_both_thresholds_at_once() -> None:
    found = row(assess(FollowUp(course([1000, 100, 400]), "A")), "C")
    assert found.threshold == (
        "+25 % product reached (against nadir); -50 % product reached (against baseline)"
    )


def test_nothing_and_new() -> None:
    found = assess(FollowUp(course([0, 0, 120, 60]), "A"))
    assert row(found, "B").against_baseline.text == "none found in either"
    assert row(found, "C").against_nadir.percent is None
    assert row(found, "C").against_nadir.text == "new: none found at the nadir"
    assert row(found, "C").threshold == "+25 % product exceeded: nothing was there at the nadir"
    assert row(found, "D").against_baseline.text == "new: none found at the baseline"


def test_what_was_not_measured_is_passed_over() -> None:
    found = assess(FollowUp(course([100, None, 50, 70]), "A"))
    assert row(found, "B").against_baseline.text == "not measured"
    assert row(found, "B").threshold == ""
    assert row(found, "D").against_nadir.percent == pytest.approx(40)
    none = assess(FollowUp(course([None, 50]), "A"))
    assert row(none, "B").against_baseline.text == "not measured at the baseline"
    assert row(none, "B").threshold == ""


def test_without_a_confirmed_baseline_nothing_is_assessable() -> None:
    found = assess(FollowUp(course([100, 200, 300])))
    assert found.baseline is None
    for each in found.rows:
        assert each.against_baseline.text == each.against_nadir.text == "not assessable"
        assert each.against_baseline.percent is each.against_nadir.percent is None
        assert each.threshold == ""


def test_treated_scans_carry_the_caveat() -> None:
    kinds = [Treatment.BEFORE, Treatment.AFTER_SURGERY, AFTER, Treatment.NOT_STATED]
    caveats = assess(FollowUp(course([1, 1, 1, 1], treatments=kinds), "A")).caveats
    assert caveats["A"] == ()
    for name in "BC":
        assert "weights not validated on treated tumors" in caveats[name]
    assert "treatment not stated: the weights are not validated on treated tumors" in caveats["D"]
    assert any("RANO 2.0 takes the first scan after radiotherapy" in caveat for caveat in caveats["C"])


@pytest.mark.parametrize(("days", "early"), [(0, True), (84, True), (85, False)])
def test_twelve_weeks_after_radiotherapy(days: int, early: bool) -> None:
    points = course([1, 1], treatments=[AFTER, AFTER])
    scan = points[1].date
    assert scan is not None
    end = date.fromordinal(scan.toordinal() - days)
    caveats = assess(FollowUp(points, "A", end)).caveats["B"]
    assert any(caveat.startswith("within 12 weeks of radiotherapy") for caveat in caveats) is early


def test_dates_that_contradict_the_treatment_are_told() -> None:
    points = course([1, 1], treatments=[AFTER, Treatment.BEFORE])
    caveats = assess(FollowUp(points, "A", date(2024, 3, 20))).caveats
    assert any("dated before its end" in caveat for caveat in caveats["A"])
    assert any("dated after radiotherapy ended" in caveat for caveat in caveats["B"])


def test_the_order_is_that_of_the_dates_or_as_given() -> None:
    points = course([1, 2, 3])
    assert [point.name for point in assess(FollowUp(points[::-1])).points] == ["A", "B", "C"]
    undated = [replace(point, date=None) for point in points[::-1]]
    assert [point.name for point in assess(FollowUp(undated)).points] == ["C", "B", "A"]
    with pytest.raises(SegMambaError, match="The date of C is missing"):
        assess(FollowUp([undated[0], *points[:2]]))
    with pytest.raises(SegMambaError, match="same date, 2024-03-01"):
        assess(FollowUp([points[0], replace(points[1], date=START)]))
    with pytest.raises(SegMambaError, match="same name"):
        assess(FollowUp([points[0], TimePoint("A", None, {}, None)]))
    with pytest.raises(SegMambaError, match="baseline Z is none of A, B, C"):
        assess(FollowUp(points, "Z"))
