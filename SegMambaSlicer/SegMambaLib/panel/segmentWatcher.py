"""Being told when a segmentation was edited, by whatever hand."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer

QUIET_MS = 300
"""A brush stroke is many changes: the call comes when this long nothing has changed."""


class SegmentWatcher:
    """Calls back after each edit of one segmentation's segments: voxels, names, segments added and removed."""

    def __init__(self, onEdited: Callable[[], None]) -> None:
        self._onEdited = onEdited
        self._segments: slicer.vtkSegmentation | None = None
        self._tags: list[int] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.connect("timeout()", self.onQuiet)

    def watch(self, segmentation: slicer.vtkMRMLSegmentationNode | None) -> bool:
        """Watch this segmentation and no other, None for none; return whether it is a different one now."""
        segments = segmentation.GetSegmentation() if segmentation else None
        if segments is self._segments:
            return False
        self._timer.stop()
        if self._segments is not None:
            for tag in self._tags:
                self._segments.RemoveObserver(tag)
        self._segments = segments
        events = ("SourceRepresentationModified", "SegmentModified", "SegmentAdded", "SegmentRemoved")
        self._tags = (
            [segments.AddObserver(getattr(segments, event), self._onChange) for event in events]
            if segments
            else []
        )
        return True

    def onQuiet(self) -> None:
        """Nothing has changed for a moment."""
        self._onEdited()

    def _onChange(self, caller: object, event: object) -> None:
        self._timer.start()
