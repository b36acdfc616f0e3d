"""The table of a batch's patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

from ..batch.batchRow import BatchRow
from .tables import fillTable

_STATE_COLUMN = 1
_ATTENTION = "#c62828"


class BatchTable:
    """A QTableWidget with a row a patient; those who need attention are red. selected: the patient, or None."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._rows: list[BatchRow] = []
        self._shown: list[list[str]] = []

    @property
    def selected(self) -> BatchRow | None:
        row = self._widget.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def show(self, rows: Sequence[BatchRow]) -> None:
        """Show these; cheap where nothing has changed."""
        self._rows = list(rows)
        texts = [row.texts() for row in rows]
        if texts == self._shown:
            return
        before, self._shown = self._shown, texts
        fillTable(self._widget, texts)
        self._widget.horizontalHeader().setSectionResizeMode(_STATE_COLUMN, qt.QHeaderView.Stretch)
        for number, row in enumerate(rows):
            if texts[number : number + 1] != before[number : number + 1]:
                brush = qt.QBrush(qt.QColor(_ATTENTION)) if row.needsAttention else qt.QBrush()
                for column in range(self._widget.columnCount):
                    self._widget.item(number, column).setForeground(brush)
