"""A layout with the charts of the comparison beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import slicer
from slicer.i18n import tr as _

_LAYOUT = 7231
_VIEW = "SegMambaChart"


def showCharts(charts: Sequence[slicer.vtkMRMLPlotChartNode]) -> None:
    """Show each chart in a plot view of its own. Raises RuntimeError where Slicer has no window."""
    manager = slicer.app.layoutManager()
    if manager is None:
        raise RuntimeError(_("Slicer runs without a window: there are no views."))
    layout = manager.layoutLogic().GetLayoutNode()
    if not layout.IsLayoutDescription(_LAYOUT):
        layout.AddLayoutDescription(_LAYOUT, _description(len(charts)))
    manager.setLayout(_LAYOUT)
    for number, chart in enumerate(charts, start=1):
        view = slicer.mrmlScene.GetSingletonNode(f"{_VIEW}{number}", "vtkMRMLPlotViewNode")
        view.SetPlotChartNodeID(chart.GetID())


def _description(count: int) -> str:
    views = "".join(
        f'<item><view class="vtkMRMLPlotViewNode" singletontag="{_VIEW}{number}">'
        f'<property name="viewlabel" action="default">{number}</property></view></item>'
        for number in range(1, count + 1)
    )
    return f'<layout type="horizontal">{views}</layout>'
