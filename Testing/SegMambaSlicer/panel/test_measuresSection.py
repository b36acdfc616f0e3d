"""The Measures section: real Qt tables, real segments and lines."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import qt
import SegMamba
import slicer
from panel_steps import choose, section
from PySide6 import QtCore
from SegMambaLib.measures.linePair import LINE_CLASS, lineEnds
from SegMambaLib.panel.measuresSection import MeasuresSection

from Testing.SegMambaSlicer.measures.tumor_scene import LARGE, SMALL, TumorScene


@pytest.fixture
def tumor() -> TumorScene:
    tumor = TumorScene()
    tumor.tag_as_computed()
    return tumor


@pytest.fixture
def measures(module: SegMamba.SegMambaWidget, tumor: TumorScene) -> MeasuresSection:
    choose(module, tumor.volumes)
    module.parameterNode.segmentation = tumor.segmentation
    return section(module, MeasuresSection)


def pause(module: SegMamba.SegMambaWidget) -> None:
    """No edit for a moment."""
    if module._watcher._timer.active:
        module._watcher._timer.stop()
        module._watcher.onQuiet()


def cells(table: object) -> dict[str, list[str]]:
    """The rows of the region table by title."""
    widget = table.widget
    return {
        widget.verticalHeaderItem(row).text(): [
            widget.item(row, column).text() for column in range(widget.columnCount())
        ]
        for row in range(widget.rowCount())
    }


def lesion_cells(table: object) -> list[list[str]]:
    widget = table.widget
    return [
        [widget.item(row, column).text() for column in range(widget.columnCount())]
        for row in range(widget.rowCount())
    ]


def tick(table: object, row: int, column: int, on: bool = True) -> None:
    state = QtCore.Qt.CheckState.Checked if on else QtCore.Qt.CheckState.Unchecked
    table.widget.item(row, column).setCheckState(state)


def test_without_a_segmentation_it_says_what_to_do(module: SegMamba.SegMambaWidget) -> None:
    ui = section(module, MeasuresSection).ui
    assert "Segment a tumor" in ui.messageLabel.text
    assert not ui.regionTable.visible and not ui.lesionTable.visible
    assert not ui.copyButton.enabled and not ui.csvButton.enabled


def test_tables_show_regions_and_lesions(measures: MeasuresSection, tmp_path: Path) -> None:
    ui = measures.ui
    assert not ui.messageLabel.visible
    table = cells(ui.regionTable)
    volumes = [float(text.removesuffix(" mL")) for text in table["Volume"]]
    assert volumes == pytest.approx([row.volumeMl for row in measures.measures.regions], abs=0.05)
    assert table["Lesions"] == ["2"] * 3
    assert table["Side"] == ["both sides"] * 3
    assert [int(text) for text in table["Mean T1Gd"]] == pytest.approx([203] * 3, abs=2)
    assert table["State"] == ["as computed"] * 3
    large, small = lesion_cells(ui.lesionTable)
    assert (large[0], large[3], large[4]) == ("1", "right", "yes")
    assert (small[0], small[3]) == ("2", "left")
    longest, perpendicular = (float(part) for part in large[1].split(" × "))  # noqa: RUF001
    assert float(large[2]) == pytest.approx(longest * perpendicular, rel=0.01)
    assert ui.sumLabel.text == "Tick the target lesions to sum their products."


def test_ticked_targets_are_summed(measures: MeasuresSection) -> None:
    ui = measures.ui
    products = [float(row[2]) for row in lesion_cells(ui.lesionTable)]
    tick(ui.lesionTable, 0, 0)
    assert ui.sumLabel.text == f"Targets: 1. Sum of their products: {products[0]:.0f} mm²"
    tick(ui.lesionTable, 1, 0)
    assert (
        f"Targets: 2. Sum of their products: {measures.measures.sumOfProductsMm2:.0f} mm²" == ui.sumLabel.text
    )
    assert measures.measures.sumOfProductsMm2 == pytest.approx(sum(products), abs=1)
    assert len(slicer.util.getNodesByClass(LINE_CLASS)) == 4
    tick(ui.lesionTable, 0, 0, False)
    tick(ui.lesionTable, 1, 0, False)
    assert "Tick" in ui.sumLabel.text


def test_the_table_follows_a_dragged_line_and_takes_it_back(measures: MeasuresSection) -> None:
    ui = measures.ui
    tick(ui.lesionTable, 0, 0)
    before = lesion_cells(ui.lesionTable)[0]
    assert not ui.resetLinesButton.enabled
    line = measures.measures.lesions[0].pair.longest
    start, end = lineEnds(line)
    line.SetNthControlPointPositionWorld(1, *(start + 2 * (end - start)))
    after = lesion_cells(ui.lesionTable)[0]
    assert float(after[2]) == pytest.approx(2 * float(before[2]), abs=1)
    assert after[1].endswith(", edited")
    assert ui.sumLabel.text.endswith(f"{float(after[2]):.0f} mm²")
    ui.resetLinesButton.click()
    assert lesion_cells(ui.lesionTable)[0] == before
    assert not ui.resetLinesButton.enabled


def test_the_tables_follow_every_edit(
    module: SegMamba.SegMambaWidget, measures: MeasuresSection, tumor: TumorScene
) -> None:
    ui = measures.ui
    tumor.write("ET", tumor.small)
    pause(module)
    assert len(lesion_cells(ui.lesionTable)) == 1
    assert cells(ui.regionTable)["State"] == ["as computed", "as computed", "edited"]
    assert cells(ui.regionTable)["Side"] == ["both sides", "both sides", "left"]
    tumor.write("ET", np.zeros_like(tumor.small))
    pause(module)
    assert cells(ui.regionTable)["Volume"][2] == "none found"
    assert ui.lesionLabel.text == "Enhancing lesions: none found"
    assert not ui.lesionTable.visible


def test_it_does_not_measure_behind_segment_editor_but_on_return(
    module: SegMamba.SegMambaWidget,
    measures: MeasuresSection,
    tumor: TumorScene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    update = measures.measures.update
    monkeypatch.setattr(measures.measures, "update", lambda *args: (calls.append("measured"), update(*args)))
    module.exit()
    tumor.write("ET", tumor.small)
    pause(module)
    assert calls == []
    module.enter()
    assert calls == ["measured"]
    module.refresh()
    assert calls == ["measured"]
    measures.ui.measuresCollapsibleButton.collapsed = True
    tumor.write("ET", tumor.large)
    pause(module)
    assert calls == ["measured"]
    measures.ui.measuresCollapsibleButton.collapsed = False
    assert calls == ["measured"] * 2
    assert len(lesion_cells(measures.ui.lesionTable)) == 1


def test_a_state_is_ticked_as_reviewed(
    module: SegMamba.SegMambaWidget, measures: MeasuresSection, tumor: TumorScene
) -> None:
    table = measures.ui.regionTable
    last = table.widget.rowCount() - 1
    tick(table, last, 1)
    pause(module)
    assert cells(table)["State"] == ["as computed", "reviewed", "as computed"]
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    segment = tumor.segmentation.GetSegmentation().GetSegment("TC")
    assert logic.GetSegmentStatus(segment) == logic.Completed
    tick(table, last, 1, False)
    pause(module)
    assert cells(table)["State"] == ["as computed"] * 3


def test_a_row_takes_the_views_to_its_lesion(measures: MeasuresSection) -> None:
    views = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    for row, centre in ((1, SMALL), (0, LARGE)):
        measures.ui.lesionTable.widget.setCurrentCell(row, 1)
        for view in views:
            inverse = np.linalg.inv(slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()))
            assert abs((inverse @ [*centre, 1])[2]) < 4


def test_lines_can_be_hidden(measures: MeasuresSection) -> None:
    nodes = measures.measures.lesions[0].pair.nodes
    assert all(node.GetDisplayNode().GetVisibility() for node in nodes)
    measures.ui.linesCheckBox.click()
    assert not any(node.GetDisplayNode().GetVisibility() for node in nodes)
    measures.segmentsEdited()
    assert not any(node.GetDisplayNode().GetVisibility() for node in nodes)
    measures.ui.linesCheckBox.click()
    assert all(node.GetDisplayNode().GetVisibility() for node in nodes)


def test_copy_and_csv(
    module: SegMamba.SegMambaWidget,
    measures: MeasuresSection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    measures.ui.copyButton.click()
    copied = slicer.app.clipboard().text()
    names = iter(["", str(tmp_path / "measures"), str(tmp_path / "absent" / "measures.csv")])
    dialog = SimpleNamespace(getSaveFileName=lambda *_arguments: next(names))
    monkeypatch.setattr(qt, "QFileDialog", dialog, raising=False)
    measures.ui.csvButton.click()  # dismissed
    assert list(tmp_path.glob("*.csv")) == []
    measures.ui.csvButton.click()
    rows = list(csv.reader((tmp_path / "measures.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert ["\t".join(row) for row in rows] == copied.splitlines()
    measures.ui.csvButton.click()
    assert "absent" in module._errorBox.ui.errorLabel.text


def test_a_segmentation_that_cannot_be_placed_is_explained(
    measures: MeasuresSection, tumor: TumorScene
) -> None:
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Warp")
    tumor.segmentation.SetAndObserveTransformNodeID(warp.GetID())
    measures.segmentsEdited()
    assert "non-linear transform Warp" in measures.ui.messageLabel.text
    assert not measures.ui.regionTable.visible and not measures.ui.csvButton.enabled


def test_a_closed_scene_leaves_no_figures(module: SegMamba.SegMambaWidget, measures: MeasuresSection) -> None:
    slicer.mrmlScene.Clear()
    assert not measures.ui.regionTable.visible
    assert measures.measures.lesions == []


def test_a_picture_to_look_at(
    module: SegMamba.SegMambaWidget, measures: MeasuresSection, tmp_path: Path
) -> None:
    tick(measures.ui.lesionTable, 0, 0)
    module.layout.savePicture(tmp_path / "measures.png")
    assert (tmp_path / "measures.png").stat().st_size > 5000
