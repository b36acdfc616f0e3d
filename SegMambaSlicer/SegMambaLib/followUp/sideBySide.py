"""A layout with one slice view for each scan, linked, each with its own segmentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
from slicer.i18n import tr as _

from .scan import Scan

_LAYOUT = 7230  # beyond Slicer's own numbers; saved scenes refer to it
_VIEW = "SegMambaScan"
_COLUMNS = 3


def showSideBySide(scans: Sequence[Scan]) -> None:
    """Show the reference volume of each scan in an axial view of its own, in the scans' order.

    The views move together; they show the same place of the head once the scans are registered. A
    segmentation is shown in its scan's view and in all views of other layouts. Scans without a volume are left
    out.
    """
    shown = [scan for scan in scans if scan.reference is not None]
    volumes = [volume for volume in (scan.reference for scan in shown) if volume is not None]
    manager = slicer.app.layoutManager()
    if manager is None:
        raise RuntimeError(_("Slicer runs without a window: there are no views."))
    layout = manager.layoutLogic().GetLayoutNode()
    if layout.IsLayoutDescription(_LAYOUT):
        layout.SetLayoutDescription(_LAYOUT, _description(shown))
    else:
        layout.AddLayoutDescription(_LAYOUT, _description(shown))
    manager.setLayout(_LAYOUT)
    for number, (scan, volume) in enumerate(zip(shown, volumes, strict=True), start=1):
        logic = manager.sliceWidget(f"{_VIEW}{number}").sliceLogic()
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)
        logic.FitSliceToAll()
        _showOnlyIn(scan, logic.GetSliceNode())
    for number in range(1, len(shown) + 1):
        manager.sliceWidget(f"{_VIEW}{number}").sliceLogic().GetSliceCompositeNode().SetLinkedControl(True)
    if shown and (centre := _centre(shown)) is not None:
        for number in range(1, len(shown) + 1):
            manager.sliceWidget(f"{_VIEW}{number}").sliceLogic().GetSliceNode().JumpSliceByCentering(*centre)


def _description(scans: Sequence[Scan]) -> str:
    rows = [range(first, min(first + _COLUMNS, len(scans))) for first in range(0, len(scans), _COLUMNS)]
    return f'<layout type="vertical">{"".join(_row(row, scans) for row in rows)}</layout>'


def _row(numbers: range, scans: Sequence[Scan]) -> str:
    views = "".join(
        f'<item><view class="vtkMRMLSliceNode" singletontag="{_VIEW}{number + 1}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{number + 1}</property>'
        '<property name="viewcolor" action="default">#8C8C8C</property></view></item>'
        for number in numbers
    )
    return f'<item><layout type="horizontal">{views}</layout></item>'


def _showOnlyIn(scan: Scan, view: slicer.vtkMRMLSliceNode) -> None:
    if scan.segmentation.GetDisplayNode() is None:
        scan.segmentation.CreateDefaultDisplayNodes()
    others = [
        node.GetID()
        for node in slicer.util.getNodesByClass("vtkMRMLAbstractViewNode")
        if not (node.GetLayoutName() or "").startswith(_VIEW)
    ]
    scan.segmentation.GetDisplayNode().SetViewNodeIDs([view.GetID(), *others])


def _centre(scans: Sequence[Scan]) -> tuple[float, float, float] | None:
    """The middle of the first segmentation that shows anything, world RAS."""
    for scan in scans:
        bounds = np.zeros(6)
        scan.segmentation.GetRASBounds(bounds)
        if bounds[0] <= bounds[1]:
            x, y, z = (bounds[::2] + bounds[1::2]) / 2
            return float(x), float(y), float(z)
    return None
