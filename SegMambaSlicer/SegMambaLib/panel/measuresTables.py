"""The two tables of the Measures section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from ..inputs.roles import ROLES, roleTitle
from ..measures.measuresTable import sideTitle
from ..measures.rows import LesionRow, RegionRow
from ..measures.segmentState import SegmentState

TARGET_COLUMN = 0


def fillRegionTable(table: Any, regions: Sequence[RegionRow]) -> None:
    """Show one column a region; the ticks of the last row say what was reviewed."""
    titles = [_("Volume"), _("Lesions"), _("Side")]
    titles += [_("Mean {contrast}").format(contrast=roleTitle(role)) for role in ROLES]
    titles += [_("State"), _("Reviewed")]
    blocked = table.blockSignals(True)
    table.setRowCount(len(titles))
    table.setColumnCount(len(regions))
    table.setVerticalHeaderLabels(titles)
    table.setHorizontalHeaderLabels([row.region for row in regions])
    for column, row in enumerate(regions):
        texts = [_volumeText(row), _lesionsText(row), sideTitle(row.side)]
        texts += [*(_meanText(row, role) for role in ROLES), row.state.title]
        for line, text in enumerate(texts):
            item = _item(text)
            item.setToolTip(_lesionsToolTip(row) if titles[line] == _("Lesions") else text)
            table.setItem(line, column, item)
        reviewed = _item("", checked=row.state is SegmentState.REVIEWED)
        reviewed.setToolTip(
            _("Tick when you have reviewed {region} on every slice").format(region=row.region)
        )
        table.setItem(len(texts), column, reviewed)
    table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
    table.blockSignals(blocked)


def fillLesionTable(table: Any, lesions: Sequence[LesionRow]) -> None:
    """Show one row a lesion; the first column's ticks choose the targets."""
    titles = [_("Target"), _("Diameters (mm)"), _("Product (mm²)"), _("Side"), _("Measurable")]
    blocked = table.blockSignals(True)
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    table.setRowCount(len(lesions))
    for line, row in enumerate(lesions):
        hasDiameters = row.diametersMm is not None
        target = _item(str(row.number), checked=row.isTarget if hasDiameters else None)
        texts = [
            _diametersText(row),
            "" if row.productMm2 is None else f"{row.productMm2:.0f}",
            sideTitle(row.measures.side),
            _("yes") if row.isMeasurable else _("no"),
        ]
        for column, item in enumerate([target, *map(_item, texts)]):
            item.setToolTip(_lesionToolTip(row))
            table.setItem(line, column, item)
    header = table.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    header.setSectionResizeMode(titles.index(_("Side")), qt.QHeaderView.Stretch)
    table.blockSignals(blocked)


def isTicked(item: Any) -> bool:
    """Whether the user has ticked a cell."""
    return item.checkState() == qt.Qt.Checked


def _item(text: str, checked: bool | None = None) -> Any:
    """A cell; None for one without a tick."""
    item = qt.QTableWidgetItem(text)
    flags = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable
    item.setFlags(flags if checked is None else flags | qt.Qt.ItemIsUserCheckable)
    if checked is not None:
        item.setCheckState(qt.Qt.Checked if checked else qt.Qt.Unchecked)
    return item


def _volumeText(row: RegionRow) -> str:
    return _("{volume:.1f} mL").format(volume=row.volumeMl) if row.lesions else _("none found")


def _lesionsText(row: RegionRow) -> str:
    if not row.lesions:
        return ""
    # In so short a column there is no room for more: the tool tip says what tiny is.
    return (
        _("{count} ({specks} tiny)").format(count=row.lesions, specks=row.specks)
        if row.specks
        else str(row.lesions)
    )


def _lesionsToolTip(row: RegionRow) -> str:
    return _("Separate parts: {count}, of which {specks} have 0.05 mL or less").format(
        count=row.lesions, specks=row.specks
    )


def _meanText(row: RegionRow, role: str) -> str:
    if role not in row.means or not row.lesions:
        return ""
    mean = row.means[role]
    if mean is None:
        return _("unknown")
    return f"{mean:.0f}" if abs(mean) >= 100 else f"{mean:.3g}"


def _diametersText(row: LesionRow) -> str:
    if row.diametersMm is None:
        return _("too small")
    text = "{:.1f} × {:.1f}".format(*row.diametersMm)  # noqa: RUF001 (the sign that radiologists write)
    return _("{diameters}, edited").format(diameters=text) if row.isEdited else text


def _lesionToolTip(row: LesionRow) -> str:
    lines = [
        _("Lesion {number}: {volume:.2f} mL, on {count} axial slices. Click to go there.").format(
            number=row.number, volume=row.measures.volume_ml, count=row.measures.slices
        ),
        _("Measurable: both diameters at least {least:g} mm, on two or more slices.").format(
            least=row.leastDiameterMm
        ),
    ]
    if row.pair and row.isEdited:
        lines.append(_("Angle between the lines: {degrees:.0f}°").format(degrees=row.pair.degreesBetween()))
    return "\n".join(lines)
