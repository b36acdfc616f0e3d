"""The figures as a table for spreadsheets."""

from __future__ import annotations

from pathlib import Path

from SegMambaCore.follow_up.assess import Assessment, Change, Row
from SegMambaCore.follow_up.wording import days_since, segments_text
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.spreadsheet import plain_text, write_spreadsheet

COLUMNS = (
    *("time_point", "date", "days_since_baseline", "treatment", "segments_are", "measure", "value", "unit"),
    *("change_to_baseline_percent", "change_to_baseline", "change_to_nadir_percent", "change_to_nadir"),
    *("nadir_at", "threshold", "caveats", "statement"),
)


def write_csv(assessment: Assessment, path: Path) -> None:
    """Write a line a time point and measure.

    Percentages and values are plain numbers, empty where there is none; the columns of the same name without
    "percent" then say why. Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    write_spreadsheet(COLUMNS, (_line(row, assessment) for row in assessment.rows), path)


def _line(row: Row, assessment: Assessment) -> dict[str, str]:
    point = row.point
    days = days_since(point, assessment.baseline)
    texts = {
        "time_point": point.name,
        "date": point.date.isoformat() if point.date else "",
        "treatment": point.treatment.value,
        "segments_are": segments_text(point),
        "measure": row.measure.title,
        "unit": row.measure.unit,
        "change_to_baseline": _reason(row.against_baseline),
        "change_to_nadir": _reason(row.against_nadir),
        "nadir_at": row.nadir.name if row.nadir else "",
        "threshold": row.threshold,
        "caveats": "; ".join(assessment.caveats[point.name]),
        "statement": RESEARCH_USE_ONLY,
    }
    numbers = {
        "days_since_baseline": "" if days is None else str(days),
        "value": "" if row.value is None else f"{row.value:.4g}" if row.value < 1 else f"{row.value:.3f}",
        "change_to_baseline_percent": _number(row.against_baseline.percent),
        "change_to_nadir_percent": _number(row.against_nadir.percent),
    }
    return {key: plain_text(value) for key, value in texts.items()} | numbers


def _reason(change: Change) -> str:
    return change.text if change.percent is None else ""


def _number(percent: float | None) -> str:
    return "" if percent is None else f"{percent:.2f}"
