"""One page to read, print and send: the table, the picture, the caveats."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from SegMambaCore import __version__
from SegMambaCore.follow_up.assess import Assessment, Row
from SegMambaCore.follow_up.measure import SOURCES
from SegMambaCore.follow_up.time_point import TimePoint
from SegMambaCore.follow_up.wording import (
    NOTES,
    baseline_text,
    date_text,
    order_text,
    segments_text,
    treatment_text,
    value_text,
)
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.whole_file import write_whole_file

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #202020; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #ddd; }
tr.first td { border-top: 2px solid #888; }
td.number { text-align: right; white-space: nowrap; }
.caveat { color: #8a3b00; font-weight: 600; }
.reached { font-weight: 600; }
.small { color: #555; font-size: 13px; }
img { max-width: 100%; }
@media print { body { margin: 0; max-width: none; font-size: 12px; } }
"""


def write_report_page(
    assessment: Assessment, patient: str, picture: bytes | None, path: Path, remarks: Sequence[str] = ()
) -> None:
    """Write an HTML page that needs no other file.

    patient: what the page is headed with. picture: the PNG of `draw_plot`, None where it could not be drawn.
    remarks: further sentences, about the registration for instance.
    Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    title = f"Follow-up of {patient}" if patient else "Follow-up"
    image = (
        "" if picture is None else f'<img alt="Products and volumes over time" src="{_data_url(picture)}">'
    )
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p><strong>{escape(RESEARCH_USE_ONLY)}</strong></p>
<p>{escape(baseline_text(assessment))} {escape(order_text(assessment))}</p>
{_table(assessment)}
{image}
<h2>Notes</h2>
<ul class="small">{"".join(f"<li>{escape(note)}</li>" for note in (*remarks, *NOTES, *SOURCES))}</ul>
<p class="small">SegMamba {escape(__version__)}</p>
</body></html>
"""
    write_whole_file(path, page.encode("utf-8"))


def _table(assessment: Assessment) -> str:
    heads = ("Time point", "Measure", "Value", "Against baseline", "Against nadir", "Threshold")
    lines = [f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"]
    for point in assessment.points:
        rows = [row for row in assessment.rows if row.point is point]
        for number, row in enumerate(rows):
            first = _first_cell(point, assessment.caveats[point.name], len(rows)) if number == 0 else ""
            kind = ' class="first"' if number == 0 else ""
            lines.append(f"<tr{kind}>{first}{_cells(row)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _first_cell(point: TimePoint, caveats: Sequence[str], rows: int) -> str:
    parts = [
        f"<strong>{escape(point.name)}</strong>",
        escape(date_text(point)),
        escape(treatment_text(point)),
        f'<span class="small">segments: {escape(segments_text(point))}</span>',
        *(f'<span class="caveat">{escape(caveat)}</span>' for caveat in caveats),
    ]
    return f'<td rowspan="{rows}">{"<br>".join(parts)}</td>'


def _cells(row: Row) -> str:
    nadir = f" ({row.nadir.name})" if row.nadir and row.against_nadir.percent is not None else ""
    reached = ' class="reached"' if "reached (" in row.threshold or "exceeded" in row.threshold else ""
    return (
        f"<td>{escape(row.measure.title)}</td>"
        f'<td class="number">{escape(value_text(row))}</td>'
        f'<td class="number">{escape(row.against_baseline.text)}</td>'
        f'<td class="number">{escape(row.against_nadir.text + nadir)}</td>'
        f"<td{reached}>{escape(row.threshold)}</td>"
    )


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
