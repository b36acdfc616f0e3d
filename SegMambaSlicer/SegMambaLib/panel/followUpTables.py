"""The two tables of the Follow-up section."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from ..followUp.layScan import isLaid
from ..followUp.scan import Scan
from .tables import fillTable

if TYPE_CHECKING:
    from SegMambaCore.follow_up.assess import Assessment, Row
    from SegMambaCore.follow_up.time_point import TimePoint

_CHARACTERS_A_LINE = 58
_PADDING = 4  # of a row of one line, in pixels


def fillScansTable(table: Any, scans: Sequence[Scan], names: Sequence[str], baseline: Scan | None) -> None:
    """Show a row a scan."""
    titles = [_("Date"), _("Scan"), _("Treatment"), _("State")]
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    fillTable(
        table,
        [
            [
                scan.date.isoformat() if scan.date else _("unknown"),
                name,
                scan.treatment.value,
                _("baseline") if scan == baseline else _("registered") if isLaid(scan) else "",
            ]
            for scan, name in zip(scans, names, strict=True)
        ],
    )


def fillChangesTable(table: Any, assessment: Assessment) -> None:
    """Show each scan's name and caveats in a row of their own, and below it a row a measure."""
    from SegMambaCore.follow_up.wording import value_text

    titles = [_("Measure"), _("Value"), _("To baseline"), _("To nadir"), _("Threshold")]
    table.clearContents()
    table.clearSpans()
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    table.setRowCount(len(assessment.points) + len(assessment.rows))
    heads, line = {}, 0
    for point in assessment.points:
        heads[line] = _headText(assessment, point)
        for row in (row for row in assessment.rows if row.point is point):
            line += 1
            texts = [_shortTitle(row), value_text(row), row.against_baseline.text, row.against_nadir.text]
            # In two lines, as the panel is narrow.
            for column, text in enumerate([*texts, row.threshold.replace(" (", "\n(")]):
                table.setItem(line, column, _item(text))
        line += 1
    # Before the heads, which lie across all columns, would widen the first one.
    table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Interactive)
    table.resizeColumnsToContents()
    table.resizeRowsToContents()
    height = table.rowHeight(1)
    for line, text in heads.items():
        table.setSpan(line, 0, 1, len(titles))
        table.setItem(line, 0, _item(text, bold=True))
        table.setRowHeight(line, height + (len(text.splitlines()) - 1) * (height - _PADDING))


def _headText(assessment: Assessment, point: TimePoint) -> str:
    from SegMambaCore.follow_up.wording import date_text, segments_text, treatment_text

    facts = [point.name, date_text(point), treatment_text(point), f"segments {segments_text(point)}"]
    sentences = [", ".join(facts), *assessment.caveats[point.name]]
    return "\n".join(line for sentence in sentences for line in wrap(sentence, _CHARACTERS_A_LINE))


def _shortTitle(row: Row) -> str:
    """The panel is narrow: regions by their abbreviations, as its other tables have them."""
    return _("Products") if row.measure.key == "product" else row.measure.key


def _item(text: str, bold: bool = False) -> Any:
    item = qt.QTableWidgetItem(text)
    item.setToolTip(text)
    if bold:
        font = item.font()
        font.setBold(True)
        item.setFont(font)
    return item
