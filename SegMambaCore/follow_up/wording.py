"""How values stand in tables for people."""

from __future__ import annotations

from datetime import date

from SegMambaCore.follow_up.assess import Assessment, Row
from SegMambaCore.follow_up.time_point import TimePoint, Treatment

NOTES = (
    "A threshold is named where a measurement crosses it; whether that means anything is for the physician to say,"
    " with the clinical state, steroids, new lesions and the time since treatment.",
    "Nadir: the smallest value from the baseline on, before the scan in question.",
    "The whole tumor includes edema: its volume is not the tumor burden.",
)


def value_text(row: Row) -> str:
    """A value with its unit; nothing is not 0, which would read as proof of absence."""
    if row.value is None:
        return "not measured"
    if row.value == 0:
        return "no measurable lesion" if row.measure.key == "product" else "none found"
    return (
        f"{row.value:.{0 if row.measure.key == 'product' else 1}f} {row.measure.unit.replace('mm2', 'mm²')}"
    )


def date_text(point: TimePoint) -> str:
    """The date in ISO 8601, or that it is unknown."""
    return point.date.isoformat() if point.date else "date unknown"


def treatment_text(point: TimePoint) -> str:
    """What had been done before the scan, as a phrase that stands alone."""
    stated = point.treatment is not Treatment.NOT_STATED
    return point.treatment.value if stated else f"treatment {point.treatment.value}"


def days_since(point: TimePoint, reference: TimePoint | None) -> int | None:
    """Days from the reference to the time point, None where a date is missing."""
    first: date | None = reference.date if reference else None
    return None if first is None or point.date is None else (point.date - first).days


def segments_text(point: TimePoint) -> str:
    """Who made the segments: "as computed", or by region where they differ, or "unknown"."""
    kinds = set(point.segments_are.values())
    if len(kinds) <= 1:
        return next(iter(kinds), "unknown")
    return ", ".join(f"{region} {kind}" for region, kind in point.segments_are.items())


def baseline_text(assessment: Assessment) -> str:
    """The sentence about the baseline that stands above every table."""
    if assessment.baseline is None:
        return "Changes are not assessable: no baseline was confirmed."
    return f"Baseline: {assessment.baseline.name}, {date_text(assessment.baseline)}, confirmed by the user."


def order_text(assessment: Assessment) -> str:
    """The sentence about an order that rests on no dates, "" where the dates are known."""
    if all(point.date is not None for point in assessment.points):
        return ""
    names = ", ".join(point.name for point in assessment.points)
    return f"The dates are unknown: the scans are taken in the order {names}. Enter the dates to make sure."
