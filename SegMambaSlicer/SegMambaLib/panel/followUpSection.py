"""Several scans of one patient: what they are, how they lie, what has changed between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from ..followUp.chartLayout import showCharts
from ..followUp.figures import targetsOf
from ..followUp.followUp import writeCsv, writeReport
from ..followUp.layScan import isLaid
from ..followUp.loadFolder import loadPatientFolder
from ..followUp.resultNodes import showInCharts, showInTable
from ..followUp.sideBySide import showSideBySide
from ..parameterNode import SegMambaParameterNode
from .followUpRegistration import FollowUpRegistration
from .followUpScans import FollowUpScans
from .followUpTables import fillChangesTable
from .section import Panel, Section

if TYPE_CHECKING:
    from SegMambaCore.follow_up.assess import Assessment


class FollowUpSection(Section):
    """The scans, their registration, the changes between them, and their export.

    It works when the user can see it, not while the section is closed.
    """

    uiFile = "FollowUp.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.scans = FollowUpScans(self)
        self.registration = FollowUpRegistration(self)
        self.assessment: Assessment | None = None
        self._compared: tuple = ()
        self.ui.followUpCollapsibleButton.connect("contentsCollapsed(bool)", self.onCollapsed)
        self.ui.loadFolderButton.connect("clicked(bool)", self.onLoadFolderButton)
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySideButton)
        self.ui.plotButton.connect("clicked(bool)", self.onPlotButton)
        self.ui.csvButton.connect("clicked(bool)", self.onCsvButton)
        self.ui.reportButton.connect("clicked(bool)", self.onReportButton)

    def enter(self) -> None:
        # Any scan's segments may have been edited, of which only the chosen segmentation's are told.
        self.segmentsEdited()

    def segmentsEdited(self) -> None:
        self._compared = ()
        self.update()

    def cleanup(self) -> None:
        self.registration.stopNow()

    def update(self) -> None:
        node = self.panel.parameterNode
        if node is None or self.ui.followUpCollapsibleButton.collapsed:
            return
        self.scans.update()
        self.registration.update()
        if not self.registration.isRunning:
            self._compare(node)
        enabled = self.assessment is not None and not self.registration.isRunning
        for button in (self.ui.plotButton, self.ui.csvButton, self.ui.reportButton):
            button.enabled = enabled
        self.ui.sideBySideButton.enabled = len(self.scans.scans) > 1

    def onCollapsed(self, collapsed: bool) -> None:
        """The section was opened or closed."""
        if not collapsed:
            self.segmentsEdited()

    def onLoadFolderButton(self, _checked: bool = False) -> None:
        """Load a patient from the disk."""
        name = qt.QFileDialog.getExistingDirectory(self.widget, _("Folder of one patient"))
        if not name:
            return
        remarks: list[str] = []
        self.do(lambda: remarks.extend(loadPatientFolder(Path(name))[1]))
        self.ui.statusLabel.text = "\n".join(remarks)
        self.scans.showLastPatient()

    def onSideBySideButton(self, _checked: bool = False) -> None:
        """Show the scans beside each other."""
        self.update()  # one may have left the scene meanwhile
        showSideBySide(self.scans.scans)
        if not any(isLaid(scan) for scan in self.scans.scans):
            self.ui.statusLabel.text = _(
                "The scans are not registered: the views may not show the same place."
            )

    def onPlotButton(self, _checked: bool = False) -> None:
        """Show the plots; the table goes into the scene, too."""
        if self.assessment is not None:
            showInTable(self.assessment)
            showCharts(showInCharts(self.assessment))

    def onCsvButton(self, _checked: bool = False) -> None:
        """Write the figures to a file that the user names."""
        self._save(_("Save the table"), "follow-up.csv", _("Comma-separated values (*.csv)"), writeCsv)

    def onReportButton(self, _checked: bool = False) -> None:
        """Write the page to a file that the user names."""

        def write(assessment: Assessment, path: Path) -> None:
            writeReport(assessment, self.scans.patientName, self.scans.scans, path)

        self._save(_("Save the report"), "follow-up.html", _("Web page (*.html)"), write)

    def do(self, work: Callable[[], None]) -> None:
        """Work for the user; what goes wrong is said below the section."""
        self.showError("")
        try:
            work()
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
        self.update()

    def _save(self, title: str, file: str, kind: str, write: Callable[[Assessment, Path], None]) -> None:
        assessment = self.assessment
        name = qt.QFileDialog.getSaveFileName(self.widget, title, file, kind)
        if name and assessment is not None:
            path = Path(name)
            path = path if path.suffix else path.with_suffix(Path(file).suffix)
            self.do(lambda: write(assessment, path))

    def _compare(self, node: SegMambaParameterNode) -> None:
        scans = self.scans.scans
        facts = [
            (scan.segmentation, scan.date, scan.treatment, isLaid(scan), targetsOf(scan.segmentation))
            for scan in scans
        ]
        asked = (facts, self.scans.confirmedBaseline, node.radiotherapyEnd)
        if asked == self._compared:
            return
        self._compared, self.assessment, message = asked, None, ""
        if len(scans) < 2:
            message = _("Segment two or more scans of one patient, or load the folder of one.")
        else:
            try:
                self.assessment = self.panel.logic.followUp.compare(
                    scans, self.scans.confirmedBaseline, node.radiotherapyEnd
                )
            except (ValueError, RuntimeError) as error:
                message = str(error)
        self._showComparison(message)

    def _showComparison(self, message: str) -> None:
        from SegMambaCore.follow_up.caveats import NOT_VALIDATED
        from SegMambaCore.follow_up.wording import baseline_text, order_text

        found = self.assessment
        self.ui.messageLabel.text = message or (
            f"{baseline_text(found)} {order_text(found)}".strip() if found else ""
        )
        self.ui.changesTable.visible = found is not None
        self.ui.caveatLabel.visible = any(scan.treatment.is_treated for scan in self.scans.scans)
        self.ui.caveatLabel.text = _("Scans after surgery or radiotherapy: {caveat}.").format(
            caveat=NOT_VALIDATED
        )
        if found is not None:
            fillChangesTable(self.ui.changesTable, found)
