"""The comparison in the scene: a table to read, a table of numbers, and charts of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import slicer
import vtk
from slicer.i18n import tr as _

from ..core import makeCoreImportable

if TYPE_CHECKING:
    from SegMambaCore.follow_up.assess import Assessment

_PRODUCT_COLOR = (0.35, 0.35, 0.35)
_ROLE = "SegMamba.FollowUp"  # an attribute, by which the nodes of an earlier comparison are found


def showInTable(assessment: Assessment) -> slicer.vtkMRMLTableNode:
    """Fill the scene's table of the comparison, made if need be: a row a scan and measure, all as text."""
    makeCoreImportable()
    from SegMambaCore.follow_up.wording import date_text, segments_text, treatment_text, value_text

    table = _node("vtkMRMLTableNode", "Table", _("Follow-up"))
    columns: dict[str, list[str]] = {
        _("Scan"): [row.point.name for row in assessment.rows],
        _("Date"): [date_text(row.point) for row in assessment.rows],
        _("Treatment"): [treatment_text(row.point) for row in assessment.rows],
        _("Segments"): [segments_text(row.point) for row in assessment.rows],
        _("Measure"): [row.measure.title for row in assessment.rows],
        _("Value"): [value_text(row) for row in assessment.rows],
        _("Against baseline"): [row.against_baseline.text for row in assessment.rows],
        _("Against nadir"): [row.against_nadir.text for row in assessment.rows],
        _("Threshold"): [row.threshold for row in assessment.rows],
        _("Caveats"): ["; ".join(assessment.caveats[row.point.name]) for row in assessment.rows],
    }
    with slicer.util.NodeModify(table):
        table.SetLocked(True)
        table.SetUseColumnTitleAsColumnHeader(True)
        table.RemoveAllColumns()
        for title, texts in columns.items():
            table.AddColumn(_array(vtk.vtkStringArray(), title, texts))
            table.SetColumnTitle(title, title)
    return table


def showInCharts(assessment: Assessment) -> list[slicer.vtkMRMLPlotChartNode]:
    """Fill the scene's charts of sums of products and of volumes, made if need be; the first is of the volumes.

    What was not measured leaves a gap. Without dates the scans stand at equal distances.
    """
    makeCoreImportable()
    from SegMambaCore.follow_up.measure import MEASURES
    from SegMambaCore.segmentation.regions import REGIONS

    dated = all(point.date is not None for point in assessment.points)
    time = _("Days since the first scan") if dated else _("Scan, in order (dates unknown)")
    numbers = _node("vtkMRMLTableNode", "Numbers", _("Follow-up numbers"))
    with slicer.util.NodeModify(numbers):
        numbers.RemoveAllColumns()
        numbers.AddColumn(_array(vtk.vtkStringArray(), "Scan", [point.name for point in assessment.points]))
        numbers.AddColumn(_array(vtk.vtkDoubleArray(), time, _times(assessment)))
        for measure in MEASURES:
            values = [measure.value(point) for point in assessment.points]
            gaps = [float("nan") if value is None else value for value in values]
            numbers.AddColumn(_array(vtk.vtkDoubleArray(), measure.key, gaps))
    charts = []
    for role, title, unit, keys in (
        ("Volumes", _("Follow-up: volumes"), _("mL"), list(REGIONS)),
        ("Products", _("Follow-up: sum of products"), _("mm2"), ["product"]),
    ):
        chart = _node("vtkMRMLPlotChartNode", role, title)
        chart.RemoveAllPlotSeriesNodeIDs()
        for measure in MEASURES:
            if measure.key in keys:
                color = REGIONS[measure.key].colour if measure.key in REGIONS else _PRODUCT_COLOR
                series = _series(measure.key, measure.title, numbers, time, color)
                chart.AddAndObservePlotSeriesNodeID(series.GetID())
        chart.SetTitle(title)
        chart.SetXAxisTitle(time)
        chart.SetYAxisTitle(unit)
        charts.append(chart)
    return charts


def _series(
    key: str, title: str, table: slicer.vtkMRMLTableNode, time: str, color: Sequence[float]
) -> slicer.vtkMRMLPlotSeriesNode:
    series = _node("vtkMRMLPlotSeriesNode", key, title)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(time)
    series.SetYColumnName(key)
    series.SetLabelColumnName("Scan")
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
    series.SetColor(*color)
    return series


def _times(assessment: Assessment) -> list[float]:
    dates = [point.date for point in assessment.points]
    known = [date for date in dates if date is not None]
    if len(known) < len(dates):
        return [float(number) for number in range(1, len(dates) + 1)]
    return [float((date - known[0]).days) for date in known]


def _node(kind: str, role: str, name: str) -> slicer.vtkMRMLNode:
    for node in slicer.util.getNodesByClass(kind):
        if node.GetAttribute(_ROLE) == role:
            return node
    node = slicer.mrmlScene.AddNewNodeByClass(kind, name)
    node.SetAttribute(_ROLE, role)
    return node


def _array(
    array: vtk.vtkAbstractArray, name: str, values: Sequence[str] | Sequence[float]
) -> vtk.vtkAbstractArray:
    array.SetName(name)
    for value in values:
        array.InsertNextValue(value)
    return array
