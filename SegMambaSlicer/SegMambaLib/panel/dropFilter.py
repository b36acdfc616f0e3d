"""Files and folders dropped on a widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt


class DropFilter(qt.QObject):  # type: ignore[misc]
    """Hands over the local paths that are dropped on the widget it is installed on.

    Python can't override a widget's own dropEvent in Slicer; a filter sees the events before the widget does.
    """

    def __init__(self, onDropped: Callable[[Sequence[Path]], None]) -> None:
        qt.QObject.__init__(self)
        self._onDropped = onDropped

    def eventFilter(self, _widget: Any, event: Any) -> bool:
        """Accept what could be loaded; all else goes the way it always goes."""
        kind = event.type()
        if kind not in (qt.QEvent.DragEnter, qt.QEvent.DragMove, qt.QEvent.Drop):
            return False
        paths = _localPaths(event.mimeData())
        if not paths:
            return False
        event.acceptProposedAction()
        if kind == qt.QEvent.Drop:
            # The program that the files come from waits until this returns: loading begins afterwards.
            qt.QTimer.singleShot(0, lambda: self._onDropped(paths))
        return True


def _localPaths(data: Any) -> list[Path]:
    if not data.hasUrls():
        return []
    return [Path(path) for url in data.urls() if (path := url.toLocalFile())]
