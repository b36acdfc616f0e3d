"""A folder of patients: found, segmented, looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..batch.batchText import progressValue, statusText
from ..inputs.roles import ROLES
from ..logic import SECONDS_BETWEEN_POLLS
from ..run.programRun import RunState
from ..run.segmentCommand import RunChoices
from .batchTable import BatchTable
from .section import Panel, Section


class BatchSection(Section):
    """Two folders, a table of the patients, and what can be done with them. Slicer stays usable meanwhile."""

    uiFile = "Batch.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._table = BatchTable(self.ui.batchTable)
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
        self._table.show(list(batch.rows.values()))
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
            batch.forget()
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
        row, node = self._table.selected, self.panel.parameterNode
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
                if batch.errorMessage:
                    self.showError(batch.errorMessage, batch.details)
            else:
                self.update()
                return
        except RuntimeError as error:
            self._timer.stop()
            self.showError(str(error))
        except Exception:
            self._timer.stop()
            batch.stopNow()
            self._showUnexpectedError()
        self.panel.refresh()

    def _find(self) -> None:
        self.panel.logic.batch.find(*self._folders())
        self._timer.start()

    def _start(self) -> None:
        # Not the panel's: the user may have gone to another module while packages were installed.
        node = self.panel.logic.getParameterNode()
        self.panel.logic.batch.start(RunChoices(node.model, node.quality, node.device, node.skipPreparation))
        self._timer.start()

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
        except Exception:
            self._showUnexpectedError()
        self.panel.refresh()

    def _showUnexpectedError(self) -> None:
        self.showUnexpectedError(_("The batch failed unexpectedly. Copy the details for a report."))

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
        row = self._table.selected
        if self.panel.parameterNode is None:
            return _("No scene is open.")
        if self.panel.logic.isRunning:
            return _("A segmentation is running. Wait for it, or cancel it.")
        if row is None or row.status != "done":
            return _("Select a patient who is done.")
        return None

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

    def _showProgress(self) -> None:
        batch, packages, ui = self.panel.logic.batch, self.panel.packages, self.ui
        ui.batchProgressBar.visible = batch.isRunning or batch.isSearching or packages.isBusy
        # Maximum 0 is Qt's bar without an end: something is being done, and nobody knows for how long.
        done, total = progressValue(batch)
        ui.batchProgressBar.maximum = total
        ui.batchProgressBar.value = done
        ui.batchStatusLabel.text = packages.text if packages.isBusy else statusText(batch)
        ui.batchStatusLabel.visible = bool(ui.batchStatusLabel.text)
