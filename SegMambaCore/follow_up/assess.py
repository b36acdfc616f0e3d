"""Changes in percent against baseline and nadir, and the thresholds that they cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from SegMambaCore.errors import SegMambaError
from SegMambaCore.follow_up.caveats import caveats_of
from SegMambaCore.follow_up.measure import MEASURES, Measure
from SegMambaCore.follow_up.time_point import TimePoint, in_order

NOT_ASSESSABLE = "not assessable"
_THRESHOLDS = [limit for one in MEASURES for limit in (one.increase, one.decrease) if limit is not None]
_ROUNDING = 1e-9  # 1.25 / 1 - 1 is a little less than a quarter


@dataclass(frozen=True)
class FollowUp:
    """baseline: the name of the time point that a person confirmed as baseline, None where nobody did.

    radiotherapy_end: of the last course, None where it is not known.
    """

    points: Sequence[TimePoint]
    baseline: str | None = None
    radiotherapy_end: date | None = None


@dataclass(frozen=True)
class Change:
    """percent: None where no percentage is defined; text: what to show in any case."""

    percent: float | None
    text: str


@dataclass(frozen=True)
class Row:
    """One measure at one time point.

    nadir: the time point of the smallest earlier value, None where there is none.
    threshold: the sentence about what the change crosses, "" where there is nothing to compare with.
    """

    point: TimePoint
    measure: Measure
    value: float | None
    against_baseline: Change
    against_nadir: Change
    nadir: TimePoint | None
    threshold: str


@dataclass(frozen=True)
class Assessment:
    """points: in order. rows: by time point, then by measure. caveats: by the time point's name."""

    points: tuple[TimePoint, ...]
    baseline: TimePoint | None
    rows: tuple[Row, ...]
    caveats: dict[str, tuple[str, ...]]


def assess(follow_up: FollowUp) -> Assessment:
    """Compare each time point after the baseline with it and with the nadir.

    The nadir is the smallest value from the baseline on, inclusive, up to the time point before; values that
    were not measured are passed over. From 0 no percentage is defined: the text says that something is there
    which was not. Without a confirmed baseline every change is "not assessable".
    Raises SegMambaError when the time points have no order or the baseline is none of them.
    """
    points = in_order(follow_up.points)
    names = [point.name for point in points]
    if follow_up.baseline is not None and follow_up.baseline not in names:
        raise SegMambaError(f"The baseline {follow_up.baseline} is none of {', '.join(names)}.")
    start = names.index(follow_up.baseline) if follow_up.baseline is not None else None
    baseline = None if start is None else points[start]
    return Assessment(
        points,
        baseline,
        tuple(_row(points, number, start, measure) for number in range(len(points)) for measure in MEASURES),
        {point.name: caveats_of(point, baseline, follow_up.radiotherapy_end) for point in points},
    )


def _row(points: tuple[TimePoint, ...], number: int, start: int | None, measure: Measure) -> Row:
    point = points[number]
    value = measure.value(point)
    if start is None or number <= start:
        text = NOT_ASSESSABLE if start is None else "baseline" if number == start else "before the baseline"
        return Row(point, measure, value, Change(None, text), Change(None, text), None, "")
    nadir = _nadir(points[start:number], measure)
    against_baseline = _change(value, measure.value(points[start]), "at the baseline")
    against_nadir = _change(value, None if nadir is None else measure.value(nadir), "at the nadir")
    threshold = _threshold(measure, against_baseline, against_nadir)
    return Row(point, measure, value, against_baseline, against_nadir, nadir, threshold)


def _nadir(earlier: Sequence[TimePoint], measure: Measure) -> TimePoint | None:
    """The time point of the smallest value, of equal ones the first."""
    measured = [(value, point) for point in earlier if (value := measure.value(point)) is not None]
    return min(measured, key=lambda pair: pair[0])[1] if measured else None


def _change(value: float | None, reference: float | None, where: str) -> Change:
    if value is None:
        return Change(None, "not measured")
    if reference is None:
        return Change(None, f"not measured {where}")
    if reference == 0:
        return Change(None, "none found in either" if value == 0 else f"new: none found {where}")
    percent = 100.0 * (value - reference) / reference
    return Change(percent, percent_text(percent))


def percent_text(percent: float) -> str:
    """Return a change with its sign, in whole percent, or as finely as keeps it short of a threshold."""
    for digits in range(4):
        text = f"{percent:+.{digits}f}"
        if not any(abs(percent) < abs(threshold) <= abs(float(text)) for threshold in _THRESHOLDS):
            break
    return "0 %" if float(text) == 0 else f"{text} %"


def _threshold(measure: Measure, against_baseline: Change, against_nadir: Change) -> str:
    if measure.increase is None or measure.decrease is None:
        return "no threshold defined"
    crossed = []
    if against_nadir.percent is not None and against_nadir.percent >= measure.increase - _ROUNDING:
        crossed.append(f"{measure.increase:+g} % {measure.threshold_word} reached (against nadir)")
    elif against_nadir.text.startswith("new"):
        crossed.append(
            f"{measure.increase:+g} % {measure.threshold_word} exceeded: nothing was there at the nadir"
        )
    if against_baseline.percent is not None and against_baseline.percent <= measure.decrease + _ROUNDING:
        crossed.append(f"{measure.decrease:+g} % {measure.threshold_word} reached (against baseline)")
    if crossed:
        return "; ".join(crossed)
    compared = against_baseline.percent is not None or against_nadir.percent is not None
    return "none reached" if compared else ""
