"""Text in a QTableWidget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt


def fillTable(table: Any, rows: Sequence[Sequence[str]]) -> None:
    """Show these rows; what is there already is not drawn again. Long texts can be read in the tooltip."""
    if table.rowCount != len(rows):
        table.setRowCount(len(rows))
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = table.item(row, column)
            if item is None or item.text() != text:
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(row, column, item)
