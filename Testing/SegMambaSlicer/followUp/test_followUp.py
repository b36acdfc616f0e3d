"""Lesions that grow and shrink by known amounts: the comparison, its nodes and its files."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import slicer
from patients import add_patient, add_scan, enhancing_ml, motion
from SegMambaLib.followUp.followUp import FollowUp, uniqueNames, writeCsv, writeReport
from SegMambaLib.followUp.layScan import layScan
from SegMambaLib.followUp.resultNodes import showInCharts, showInTable
from SegMambaLib.followUp.scan import Scan
from SegMambaLib.followUp.sideBySide import showSideBySide
from SegMambaLib.measures.linePair import pairsOf
from SegMambaLib.measures.segmentState import setReviewed
from SegMambaLib.measures.tumorMeasures import TumorMeasures

from SegMambaCore.follow_up.assess import Row
from SegMambaCore.follow_up.time_point import Treatment

RADII = (5, 3, 4)
TREATMENTS = (Treatment.BEFORE, Treatment.AFTER_SURGERY, Treatment.AFTER_RADIOTHERAPY)


@pytest.fixture
def scans() -> list[Scan]:
    patient = add_patient()
    days = ("20240502", "20240620", "20241020")
    found = [
        add_scan(patient, f"Visit {number}", radius, day, motion(3.0 * number))
        for number, (radius, day) in enumerate(zip(RADII, days, strict=True), start=1)
    ]
    for scan, treatment in zip(
        found, (Treatment.BEFORE, Treatment.AFTER_SURGERY, Treatment.AFTER_RADIOTHERAPY), strict=True
    ):
        scan.setTreatment(treatment)
    return found


def rows(found: list[Row], measure: str) -> list[Row]:
    return [row for row in found if row.measure.key == measure]


def views_of(scan: Scan) -> tuple[str, ...]:
    return scan.segmentation.GetDisplayNode().GetViewNodeIDs()


def test_known_changes(scans: list[Scan]) -> None:
    found = FollowUp().compare(scans, scans[0])
    enhancing = rows(list(found.rows), "ET")
    volumes = [enhancing_ml(radius) for radius in RADII]
    assert [row.value for row in enhancing] == pytest.approx(volumes)
    assert enhancing[1].against_baseline.percent == pytest.approx(100 * (volumes[1] / volumes[0] - 1))
    assert enhancing[2].against_nadir.percent == pytest.approx(100 * (volumes[2] / volumes[1] - 1))
    assert enhancing[1].threshold == "-65 % volume reached (against baseline)"
    assert enhancing[2].threshold == "+40 % volume reached (against nadir)"
    products = [row.value or 0 for row in rows(list(found.rows), "product")]
    # A ball of radius r voxels of 3 mm: close to (6 r)^2 mm2.
    assert products == pytest.approx([(6 * radius) ** 2 for radius in RADII], rel=0.25)
    assert [found.caveats[f"Visit {n}"] != () for n in (1, 2, 3)] == [False, True, True]


def test_registration_changes_no_volume(scans: list[Scan]) -> None:
    followUp = FollowUp()
    before = followUp.compare(scans).rows
    layScan(scans[1], motion(20), "Visit 1")
    for row, then in zip(followUp.compare(scans).rows, before, strict=True):
        # Products are those of other planes through the same lesion, which is round but for its coarse voxels.
        assert row.value == pytest.approx(then.value, rel=0.25 if row.measure.key == "product" else 1e-9)


def test_ticked_targets_and_reviewed_segments_count(scans: list[Scan]) -> None:
    measures = TumorMeasures()
    measures.update(scans[0].segmentation, {})
    measures.setTarget(1, True)
    (pair,) = pairsOf(scans[0].segmentation)
    slicer.util.updateMarkupsControlPointsFromArray(
        pair.longest, np.array([[0, 0, 0], [40.0, 0, 0]]), world=True
    )
    slicer.util.updateMarkupsControlPointsFromArray(
        pair.perpendicular, np.array([[0, 0, 0], [0, 30.0, 0]]), world=True
    )
    setReviewed(scans[0].segmentation, "ET", True)
    point = FollowUp().compare(scans).points[0]
    assert point.product_mm2 == pytest.approx(1200)
    assert point.segments_are["ET"] == "reviewed"
    layScan(scans[0], motion(), "Visit 2")  # the lines move with the segmentation
    assert FollowUp().compare(scans).points[0].product_mm2 == pytest.approx(1200)
    assert pair.longest.GetParentTransformNode() is scans[0].segmentation.GetParentTransformNode()


def test_edits_are_measured_anew(scans: list[Scan]) -> None:
    followUp = FollowUp()
    before = rows(list(followUp.compare(scans).rows), "product")[0].value
    empty = np.zeros_like(slicer.util.arrayFromVolume(scans[0].reference), np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(empty, scans[0].segmentation, "ET", scans[0].reference)
    row = rows(list(followUp.compare(scans).rows), "product")[0]
    assert before and row.value == 0


def test_mistakes_of_the_user(scans: list[Scan]) -> None:
    with pytest.raises(ValueError, match="End of radiotherapy: soon is no date"):
        FollowUp().compare(scans, radiotherapyEnd="soon")
    scans[0].setDate("2024-06-20")
    with pytest.raises(ValueError, match="same date"):
        FollowUp().compare(scans)


def test_table_and_charts_in_the_scene(scans: list[Scan]) -> None:
    found = FollowUp().compare(scans, scans[0])
    table = showInTable(found)
    assert showInTable(found) is table  # filled again, not added again
    assert table.GetNumberOfRows() == 12
    texts = {table.GetColumnName(n): table.GetTable().GetColumn(n) for n in range(table.GetNumberOfColumns())}
    assert texts["Threshold"].GetValue(5) == "-65 % volume reached (against baseline)"
    assert "weights not validated on treated tumors" in texts["Caveats"].GetValue(5)
    volumes, products = showInCharts(found)
    assert [
        volumes.GetNthPlotSeriesNode(n).GetName() for n in range(volumes.GetNumberOfPlotSeriesNodes())
    ] == [
        "Enhancing tumor volume",
        "Tumor core volume",
        "Whole tumor volume",
    ]
    series = products.GetNthPlotSeriesNode(0)
    numbers = series.GetTableNode().GetTable()
    days = numbers.GetColumnByName(series.GetXColumnName())
    assert [days.GetValue(n) for n in range(3)] == [0, 49, 171]
    values = numbers.GetColumnByName(series.GetYColumnName())
    assert values.GetValue(1) == pytest.approx(found.rows[4].value)
    assert len(slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode")) == 4


def test_without_a_baseline_the_table_says_so(scans: list[Scan]) -> None:
    table = showInTable(FollowUp().compare(scans)).GetTable()
    for column in ("Against baseline", "Against nadir"):
        texts = table.GetColumnByName(column)
        assert {texts.GetValue(n) for n in range(table.GetNumberOfRows())} == {"not assessable"}


def test_files(scans: list[Scan], tmp_path: Path) -> None:
    layScan(scans[1], motion(), "Visit 1")
    found = FollowUp().compare(scans, scans[0], "2024-10-01")
    writeCsv(found, tmp_path / "a.csv")
    writeReport(found, "Patient 7", scans, tmp_path / "a.html")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["time_point"] for line in lines[::4]] == ["Visit 1", "Visit 2", "Visit 3"]
    assert "weights not validated on treated tumors" in lines[4]["caveats"]
    assert "within 12 weeks of radiotherapy" in lines[8]["caveats"]
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Registered rigidly: Visit 2." in page
    assert "data:image/png" in page
    assert not re.search(
        r"\b(PD|SD|PR|CR)\b|progress|respon|stable", page.split("</style>")[1].split("<img")[0]
    )
    with pytest.raises(RuntimeError, match="cannot be written"):
        writeCsv(found, tmp_path / "none" / "a.csv")


def test_side_by_side(scans: list[Scan]) -> None:
    showSideBySide(scans)
    manager = slicer.app.layoutManager()
    names = manager.sliceViewNames()
    assert list(names) == ["SegMambaScan1", "SegMambaScan2", "SegMambaScan3"]
    for name, scan in zip(names, scans, strict=True):
        widget = manager.sliceWidget(name)
        composite = widget.mrmlSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == scan.reference.GetID()
        assert composite.GetLinkedControl()
        shown = [
            other
            for other in scans
            if widget.mrmlSliceNode().GetID() in other.segmentation.GetDisplayNode().GetViewNodeIDs()
        ]
        assert shown == [scan]
    # All look at the same place, and segmentations are not lost from other layouts.
    offsets = {round(manager.sliceWidget(name).mrmlSliceNode().GetSliceOffset(), 3) for name in names}
    assert len(offsets) == 1
    others = [
        node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.GetLayoutName() == "Red"
    ]
    assert all(
        node.GetID() in scan.segmentation.GetDisplayNode().GetViewNodeIDs()
        for node in others
        for scan in scans
    )
    showSideBySide(scans[:2])
    assert len(manager.sliceViewNames()) == 2


def test_names_are_unique() -> None:
    patient = add_patient()
    scans = [add_scan(patient, "MR Brain", 3) for _ in range(3)]
    assert uniqueNames(scans) == ["MR Brain", "MR Brain (2)", "MR Brain (3)"]
