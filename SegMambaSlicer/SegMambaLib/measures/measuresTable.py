"""The measures as rows of text: for a CSV file, and for the clipboard."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from slicer.i18n import tr as _

from ..core import makeCoreImportable
from ..inputs.roles import ROLES, roleTitle
from .rows import LesionRow, RegionRow
from .tumorMeasures import TumorMeasures


def asText(measures: TumorMeasures) -> str:
    """Return the tables with tabs between the cells, as spreadsheets and reports take them from the clipboard."""
    return "\n".join("\t".join(row) for row in _rows(measures)) + "\n"


def writeCsv(measures: TumorMeasures, path: Path) -> None:
    """Write the tables as CSV (UTF-8), whole or not at all.

    Neither holds a node's name: it could be a patient's. Raises RuntimeError when the file can't be written.
    """
    makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.whole_file import write_whole_file

    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(_rows(measures))
    try:
        # With a mark at the start, by which Excel knows UTF-8.
        write_whole_file(path, text.getvalue().encode("utf-8-sig"))
    except SegMambaError as error:
        raise RuntimeError(str(error)) from error


def _rows(measures: TumorMeasures) -> list[list[str]]:
    makeCoreImportable()
    from SegMambaCore.report.statement import RESEARCH_USE_ONLY
    from SegMambaCore.spreadsheet import plain_text

    models = sorted({plain_text(row.origin.model) for row in measures.regions if row.origin.model})
    days = sorted({row.origin.date for row in measures.regions if row.origin.date})
    return [
        [RESEARCH_USE_ONLY],
        [_("Model"), ", ".join(models) or _("unknown")],
        [_("Segmented on"), ", ".join(days) or _("unknown")],
        [_("Exported on"), date.today().isoformat()],
        [],
        *_regionRows(measures.regions),
        [],
        *_lesionRows(measures.lesions),
        [],
        [_("Sum of the targets' products (mm2)"), _number(measures.sumOfProductsMm2, 0) or _("no target")],
        [_("The whole tumor includes edema: its volume is not the tumor burden.")],
        [_("Sides are approximate, relative to the plane halfway between the head's outlines.")],
    ]


def _regionRows(regions: Sequence[RegionRow]) -> list[list[str]]:
    header = [_("Region"), _("State"), _("Volume (mL)"), _("Lesions"), _("Of these up to 0.05 mL"), _("Side")]
    header += [_("Mean {contrast}").format(contrast=roleTitle(role)) for role in ROLES]
    return [
        header,
        *(
            [
                row.region,
                row.state.title,
                _number(row.volumeMl, 2) if row.lesions else _("none found"),
                str(row.lesions),
                str(row.specks),
                sideTitle(row.side),
                *(_number(row.means.get(role), 1) for role in ROLES),
            ]
            for row in regions
        ),
    ]


def _lesionRows(lesions: Sequence[LesionRow]) -> list[list[str]]:
    header = [
        _("Enhancing lesion"),
        _("Target"),
        _("Longest diameter (mm)"),
        _("Longest perpendicular (mm)"),
        _("Product (mm2)"),
        _("Measurable"),
        _("Lines"),
        _("Axial slices"),
        _("Side"),
        _("Volume (mL)"),
    ]
    return (
        [header, *(_lesionRow(row) for row in lesions)]
        if lesions
        else [[_("Enhancing lesions"), _("none found")]]
    )


def _lesionRow(row: LesionRow) -> list[str]:
    longest, perpendicular = row.diametersMm or (None, None)
    return [
        str(row.number),
        _("yes") if row.isTarget else _("no"),
        _number(longest, 1),
        _number(perpendicular, 1),
        _number(row.productMm2, 0),
        _("yes") if row.isMeasurable else _("no"),
        _("edited") if row.isEdited else _("as computed"),
        str(row.measures.slices),
        sideTitle(row.measures.side),
        _number(row.measures.volume_ml, 2),
    ]


def sideTitle(side: str | None) -> str:
    """Return a side in the user's language, "" where there is nothing to have a side."""
    return {
        None: "",
        "left": _("left"),
        "right": _("right"),
        "midline": _("midline"),
        "both sides": _("both sides"),
        "crosses the midline": _("crosses midline"),
        "unknown": _("unknown"),
    }[side]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
