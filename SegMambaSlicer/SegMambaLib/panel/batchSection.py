"""A folder of patients: found, segmented, looked at."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..batch.batchRow import BatchRow
from ..inputs.roles import ROLES
from ..logic import SECONDS_BETWEEN_POLLS
from ..run.progressText import durationText, progressText
from ..run.segmentationRun import RunState
from ..run.segmentCommand import RunChoices
from .section import Panel, Section
from .tables import fillTable

_STATE_COLUMN = 1


class BatchSection(Section):
    """Two folders, a table of the patients, and what can be done with them. Slicer stays usable meanwhile."""

    uiFile = "Batch.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._shown: list[list[str]] = []
        self._note = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(round(1000 * SECONDS_BETWEEN_POLLS))
        self._timer.connect("timeout()", self.onTimer)
        ui = self.ui
        ui.batchPatientsPath.connect("currentPathChanged(QString)", self.onPatientsChanged)
        ui.batchOutputPath.connect("currentPathChanged(QString)", self.onFoldersChanged)
        ui.batchFindButton.connect("clicked(bool)", self.onFindButton)
        ui.batchRunButton.connect("clicked(bool)", self.onRunButton)
        ui.batchLoadButton.connect("clicked(bool)", self.onLoadButton)
        ui.batchPageButton.connect("clicked(bool)", self.onPageButton)
        ui.batchTable.connect("itemSelectionChanged()", self.update)
        ui.batchTable.connect("itemDoubleClicked(QTableWidgetItem*)", self.onDoubleClicked)

    def cleanup(self) -> None:
        """A batch goes on where it stopped when it is started again."""
        self._timer.stop()
        self.panel.logic.batch.stopNow()

    def update(self) -> None:
        batch = self.panel.logic.batch
        busy = batch.isRunning or batch.isSearching
        self.ui.batchPatientsPath.enabled = self.ui.batchOutputPath.enabled = not busy
        self._enable(
            self.ui.batchFindButton, self._whyNotFind(), _("List who is in the folder, and what is missing")
        )
        self._enable(
            self.ui.batchLoadButton, self._whyNotLoad(), _("Load the selected patient's volumes and segments")
        )
        self._enable(
            self.ui.batchPageButton,
            None if batch.pagePath else _("There is no page yet: it comes with the first patient."),
            _("Show all patients with pictures and volumes in the web browser"),
        )
        self._showRunButton()
        self._showRows(list(batch.rows.values()))
        self._showProgress()

    def onPatientsChanged(self, path: str) -> None:
        """Propose a folder for the results beside the patients."""
        if path and not self.ui.batchOutputPath.currentPath:
            folder = Path(path)
            self.ui.batchOutputPath.currentPath = str(folder.parent / f"{folder.name}-segmented")
        self.onFoldersChanged()

    def onFoldersChanged(self, _path: str = "") -> None:
        """Who was found in other folders is not shown for these."""
        batch = self.panel.logic.batch
        if (batch.patients, batch.output) != self._folders() and not batch.isRunning:
            batch.rows = {}
            self._note = ""
        self.update()

    def onFindButton(self, _checked: bool = False) -> None:
        """Look who is in the folder."""
        self.showError("")
        self.panel.packages.ensure(self, lambda: self._try(self._find))
        self.panel.refresh()

    def onRunButton(self, _checked: bool = False) -> None:
        """Start the batch, or cancel it."""
        if self.panel.logic.batch.isRunning:
            self.panel.logic.batch.cancel()
        elif self.panel.packages.isBusy:
            self.panel.packages.cancel()
        else:
            self.showError("")
            self.panel.packages.ensure(self, lambda: self._try(self._start))
        self.panel.refresh()

    def onLoadButton(self, _checked: bool = False) -> None:
        """Load the selected patient, and choose the volumes and the segmentation in the panel."""
        row, node = self._selected(), self.panel.parameterNode
        if row is None or node is None:
            return
        self.showError("")
        try:
            loaded = self.panel.logic.loadPatient(row.case)
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
            return
        with slicer.util.NodeModify(node):
            for role in ROLES:
                setattr(node, role, loaded.volumes[role])
            node.segmentation = loaded.segmentation

    def onDoubleClicked(self, _item: object = None) -> None:
        """As the button, where that is enabled."""
        if self._whyNotLoad() is None:
            self.onLoadButton()

    def onPageButton(self, _checked: bool = False) -> None:
        """Open the page of the results in the web browser."""
        page = self.panel.logic.batch.pagePath
        if page:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page)))

    def onTimer(self) -> None:
        """Look how the search or the run is getting on."""
        batch = self.panel.logic.batch
        try:
            if batch.isSearching:
                if not batch.pollSearch():
                    return
                self._timer.stop()
            elif batch.poll().isOver:
                self._timer.stop()
                self._showEnd()
            else:
                self.update()
                return
        except RuntimeError as error:
            self._timer.stop()
            self.showError(str(error))
        except Exception:
            self._timer.stop()
            self._showUnexpectedError()
        self.panel.refresh()

    def _find(self) -> None:
        self.panel.logic.batch.find(*self._folders())
        self._timer.start()

    def _start(self) -> None:
        node = self.panel.parameterNode
        if node is not None:  # the scene may have been closed while packages were installed
            self.panel.logic.batch.start(RunChoices(node.model, node.quality, node.device))
            self._timer.start()

    def _try(self, action: Callable[[], None]) -> None:
        self._note = ""
        try:
            action()
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
        except Exception:
            self._showUnexpectedError()
        self.panel.refresh()

    def _showEnd(self) -> None:
        batch = self.panel.logic.batch
        assert batch.run is not None
        if batch.run.state is RunState.FAILED:
            self.showError(batch.errorMessage, batch.details)
        elif batch.run.state is RunState.CANCELLED:
            self._note = _("Cancelled. Who is finished stays so; the next run goes on from there.")
        elif result := batch.run.batchResult:
            self._note = _("{done} done, {failed} failed, {incomplete} incomplete.").format(
                done=result.done, failed=result.failed, incomplete=result.incomplete
            )

    def _showUnexpectedError(self) -> None:
        logging.exception("SegMamba")
        self.showError(
            _("The batch failed unexpectedly. Copy the details for a report."), traceback.format_exc()
        )

    def _folders(self) -> tuple[Path, Path]:
        return Path(self.ui.batchPatientsPath.currentPath), Path(self.ui.batchOutputPath.currentPath)

    def _whyNotFind(self) -> str | None:
        batch = self.panel.logic.batch
        if batch.isRunning or batch.isSearching:
            return _("A batch is at work.")
        if self.panel.packages.isBusy:
            return _("The Python packages are being looked at.")
        if not self.ui.batchPatientsPath.currentPath:
            return _("Choose the folder of the patients.")
        if not self.ui.batchOutputPath.currentPath:
            return _("Choose a folder for the results.")
        return None

    def _whyNotRun(self) -> str | None:
        logic = self.panel.logic
        if self.panel.parameterNode is None:
            return _("No scene is open.")
        if logic.isRunning:
            return _("A segmentation is running. Wait for it, or cancel it.")
        if logic.batch.isSearching or not logic.batch.rows:
            return _("Find the patients first.")
        if all(row.status == "incomplete" for row in logic.batch.rows.values()):
            return _("No patient has all four contrasts.")
        return None

    def _whyNotLoad(self) -> str | None:
        row = self._selected()
        if self.panel.parameterNode is None:
            return _("No scene is open.")
        if self.panel.logic.isRunning:
            return _("A segmentation is running. Wait for it, or cancel it.")
        if row is None or row.status != "done":
            return _("Select a patient who is done.")
        return None

    def _selected(self) -> BatchRow | None:
        rows, row = list(self.panel.logic.batch.rows.values()), self.ui.batchTable.currentRow()
        return rows[row] if 0 <= row < len(rows) else None

    def _enable(self, button: object, problem: str | None, tip: str) -> None:
        button.enabled = problem is None  # type: ignore[attr-defined]
        button.toolTip = problem or tip  # type: ignore[attr-defined]

    def _showRunButton(self) -> None:
        batch, button = self.panel.logic.batch, self.ui.batchRunButton
        if batch.isRunning:
            button.text = _("Cancel")
            button.enabled = batch.run is not None and batch.run.state is RunState.RUNNING
            button.toolTip = _("Stop. Who is finished stays so.")
        elif self.panel.packages.isBusy:
            button.text = _("Cancel")
            self._enable(button, None, _("Do not install Python packages now."))
        else:
            button.text = _("Segment all")
            tip = _("Segment everybody who is not finished, with the model, quality and device chosen above")
            self._enable(button, self._whyNotRun(), tip)

    def _showRows(self, rows: list[BatchRow]) -> None:
        texts = [row.texts() for row in rows]
        if texts == self._shown:
            return
        table, before = self.ui.batchTable, self._shown
        self._shown = texts
        fillTable(table, texts)
        table.horizontalHeader().setSectionResizeMode(_STATE_COLUMN, qt.QHeaderView.Stretch)
        for number, row in enumerate(rows):
            if texts[number : number + 1] != before[number : number + 1]:
                brush = qt.QBrush(qt.QColor("#c62828")) if row.needsAttention else qt.QBrush()
                for column in range(table.columnCount):
                    table.item(number, column).setForeground(brush)

    def _showProgress(self) -> None:
        batch, ui = self.panel.logic.batch, self.ui
        ui.batchProgressBar.visible = batch.isRunning or batch.isSearching or self.panel.packages.isBusy
        ui.batchStatusLabel.text = self._statusText()
        ui.batchStatusLabel.visible = bool(ui.batchStatusLabel.text)
        run, overall = batch.run, batch.overall
        if not batch.isRunning or run is None or overall is None:
            # Maximum 0 is Qt's bar without an end: something is being done, and nobody knows for how long.
            ui.batchProgressBar.maximum = 0
            return
        share = run.progress.done / max(run.progress.total, 1) if run.progress else 0.0
        ui.batchProgressBar.maximum = 100 * overall.total
        ui.batchProgressBar.value = min(round(100 * (overall.done + share)), 100 * overall.total)

    def _statusText(self) -> str:
        batch = self.panel.logic.batch
        if self.panel.packages.isBusy:
            return self.panel.packages.text
        if batch.isSearching:
            return _("Looking for patients")
        if batch.isRunning and batch.run is not None:
            if batch.run.state is RunState.CANCELLING:
                return _("Cancelling")
            return self._runText()
        if self._note or not batch.rows:
            return self._note
        missing = sum(row.status == "incomplete" for row in batch.rows.values())
        return _("{count} patients, {missing} of them incomplete.").format(
            count=len(batch.rows), missing=missing
        )

    def _runText(self) -> str:
        batch = self.panel.logic.batch
        assert batch.run is not None
        atWork = next((row.case for row in batch.rows.values() if row.status == "running"), "")
        phase = progressText(batch.run.phase, None)
        texts = [f"{atWork}: {phase}" if atWork else phase]
        if overall := batch.overall:
            texts.append(_("{done} of {total} patients").format(done=overall.done, total=overall.total))
            if overall.secondsLeft is not None:
                texts.append(_("{time} left for all").format(time=durationText(overall.secondsLeft)))
        return ", ".join(texts)
