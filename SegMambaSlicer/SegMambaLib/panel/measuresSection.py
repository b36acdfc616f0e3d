"""What a radiologist would measure, kept up to date while segments and lines are edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..inputs.roles import ROLES
from ..measures.measuresTable import asText, writeCsv
from ..measures.segmentState import setReviewed
from ..measures.showLesion import showLesion
from ..measures.tumorMeasures import TumorMeasures
from ..parameterNode import SegMambaParameterNode
from .measuresTables import TARGET_COLUMN, fillLesionTable, fillRegionTable, isTicked
from .section import Panel, Section


class MeasuresSection(Section):
    """Tables of regions and lesions, the sum of the targets, and their export.

    It measures when the user can see it: not while the section is closed or the user works in another module.
    """

    uiFile = "Measures.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.measures = TumorMeasures(self.onLineDragged)
        self._isStale = True
        self._measured: tuple = ()
        self.ui.measuresCollapsibleButton.connect("contentsCollapsed(bool)", self.onCollapsed)
        self.ui.regionTable.connect("itemChanged(QTableWidgetItem*)", self.onReviewedTicked)
        self.ui.lesionTable.connect("itemChanged(QTableWidgetItem*)", self.onTargetTicked)
        self.ui.lesionTable.connect("cellClicked(int,int)", self.onLesionChosen)
        self.ui.lesionTable.connect("currentCellChanged(int,int,int,int)", self.onLesionChosen)
        self.ui.linesCheckBox.connect("toggled(bool)", self.onLinesToggled)
        self.ui.resetLinesButton.connect("clicked(bool)", self.onResetLinesButton)
        self.ui.copyButton.connect("clicked(bool)", self.onCopyButton)
        self.ui.csvButton.connect("clicked(bool)", self.onCsvButton)

    def setParameterNode(self, node: SegMambaParameterNode | None) -> None:
        super().setParameterNode(node)
        if node is None:
            # Until the user is back, transforms and intensities may change; what did not is not computed again.
            self._isStale = True

    def segmentsEdited(self) -> None:
        self._isStale = True
        self.update()

    def update(self) -> None:
        node = self.panel.parameterNode
        if node is None or self.ui.measuresCollapsibleButton.collapsed or self.panel.logic.isRunning:
            return
        volumes = {role: getattr(node, role) for role in ROLES}
        chosen = (node.segmentation, *volumes.values())
        if self._isStale or chosen != self._measured:
            self._isStale, self._measured = False, chosen
            self._measure(node.segmentation, volumes)

    def cleanup(self) -> None:
        self.measures.stop()

    def onCollapsed(self, collapsed: bool) -> None:
        """The section was opened or closed."""
        if not collapsed:
            self.update()

    def onLineDragged(self) -> None:
        """The user drags a line or deletes an end: its row and the sum follow."""
        self._showLesions()

    def onReviewedTicked(self, item: Any) -> None:
        """The user has reviewed a segment, or takes that back."""
        setReviewed(self.measures.segmentation, self.measures.regions[item.column()].region, isTicked(item))
        self.segmentsEdited()

    def onTargetTicked(self, item: Any) -> None:
        """The user has chosen a target, or takes that back."""
        if item.column() == TARGET_COLUMN:
            self.measures.setTarget(item.row() + 1, isTicked(item))
            self.measures.setLinesVisible(self.ui.linesCheckBox.checked)
            self._showSum()
            self.panel.refresh()  # the follow-up sums the targets, too

    def onLesionChosen(self, row: int, *_rest: int) -> None:
        """The user has clicked a row, or gone to it with the arrow keys."""
        if 0 <= row < len(self.measures.lesions):
            showLesion(self.measures.lesions[row])

    def onLinesToggled(self, visible: bool) -> None:
        """Show or hide the lines."""
        self.measures.setLinesVisible(visible)

    def onResetLinesButton(self, _checked: bool = False) -> None:
        """Lay lines that were dragged or deleted on the computed diameters again."""
        self.measures.forgetEdits()
        self._showLesions()

    def onCopyButton(self, _checked: bool = False) -> None:
        """Copy both tables."""
        slicer.app.clipboard().setText(asText(self.measures))

    def onCsvButton(self, _checked: bool = False) -> None:
        """Write both tables to a file that the user names."""
        name = qt.QFileDialog.getSaveFileName(
            self.widget, _("Save the measures"), "tumor-measures.csv", _("Comma-separated values (*.csv)")
        )
        if not name:
            return
        self.showError("")
        path = Path(name)
        try:
            writeCsv(self.measures, path if path.suffix else path.with_suffix(".csv"))
        except RuntimeError as error:
            self.showError(str(error))

    def _measure(
        self,
        segmentation: slicer.vtkMRMLSegmentationNode | None,
        volumes: dict[str, slicer.vtkMRMLScalarVolumeNode | None],
    ) -> None:
        message = ""
        try:
            self.measures.update(segmentation, volumes)
        except (ValueError, RuntimeError) as error:
            message = str(error)
        if not message and not self.measures.regions:
            message = _("Segment a tumor, or select a segmentation with the segments WT, TC and ET.")
        self.ui.messageLabel.text = message
        self.ui.messageLabel.visible = bool(message)
        self.measures.setLinesVisible(self.ui.linesCheckBox.checked)
        found = bool(self.measures.regions)
        for widget in (self.ui.regionTable, self.ui.lesionLabel, self.ui.noticeLabel):
            widget.visible = found
        for widget in (self.ui.copyButton, self.ui.csvButton):
            widget.enabled = found
        fillRegionTable(self.ui.regionTable, self.measures.regions)
        self._showLesions()

    def _showLesions(self) -> None:
        lesions = self.measures.lesions
        fillLesionTable(self.ui.lesionTable, lesions)
        self.ui.lesionTable.visible = bool(lesions)
        self.ui.lesionLabel.text = _("Enhancing lesions:") if lesions else _("Enhancing lesions: none found")
        self.ui.linesCheckBox.visible = bool(lesions)
        self.ui.resetLinesButton.visible = bool(lesions)
        self.ui.resetLinesButton.enabled = any(row.isEdited or row.hasLostLines for row in lesions)
        self._showSum()

    def _showSum(self) -> None:
        total = self.measures.sumOfProductsMm2
        count = sum(row.isTarget for row in self.measures.lesions)
        self.ui.sumLabel.visible = bool(self.measures.lesions)
        self.ui.sumLabel.text = (
            _("Tick the target lesions to sum their products.")
            if total is None
            else _("Targets: {count}. Sum of their products: {total:.0f} mm²").format(
                count=count, total=total
            )
        )
