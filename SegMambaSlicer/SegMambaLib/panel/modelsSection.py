"""What is installed: models and Python packages. All of it works without a network."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..models.modelTable import ModelRow, modelCard, modelRows
from ..models.ownModels import addModel, freeModelName, isPyTorchFile, removeModel
from ..models.weightsImport import WeightsImport
from ..run.program import findProgram
from ..run.programRun import RunState
from .packagesPart import PackagesPart
from .section import Panel, Section
from .tables import fillTable

MODEL_COLUMNS = ("name", "network", "size", "dice", "origin")


class ModelsSection(Section):
    """The table of models with what can be done to them, and below it the packages."""

    uiFile = "Models.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._packages = PackagesPart(self)
        self._rows: list[ModelRow] = []
        self._isFilled = False
        self._import: WeightsImport | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(200)
        self._timer.connect("timeout()", self.onTimer)
        self.ui.modelsCollapsibleButton.connect("contentsCollapsed(bool)", self.onCollapsed)
        self.ui.modelTable.connect("itemSelectionChanged()", self.onModelSelected)
        self.ui.addModelButton.connect("clicked(bool)", self.onAddModel)
        self.ui.removeModelButton.connect("clicked(bool)", self.onRemoveModel)
        self.ui.modelCardButton.connect("toggled(bool)", self.onModelCard)

    def update(self) -> None:
        if self.ui.modelsCollapsibleButton.collapsed:
            return
        if not self._isFilled:
            self._fill()
        self._packages.update()
        self._updateButtons()

    def cleanup(self) -> None:
        self._timer.stop()
        if self._import:
            self._import.stopNow()

    def onCollapsed(self, _collapsed: bool) -> None:
        """Checksums and packages are looked at only once somebody wants to see them."""
        self.update()

    def onModelSelected(self) -> None:
        """Show the rest of what is known of the model."""
        row = self._selected()
        self.ui.modelDetailsLabel.text = row.details if row else ""
        self._updateButtons()

    def onAddModel(self, _checked: bool = False) -> None:
        """Let the user choose a file, and copy or import it."""
        patterns = _("Models (*.safetensors *.pth *.pt *.ckpt)")
        chosen = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Add a model"), "", patterns)
        if chosen:
            self.addModel(Path(chosen))

    def addModel(self, path: Path) -> None:
        """Add a model file; PyTorch weights are converted in a program beside Slicer."""
        self.showError("")
        if isPyTorchFile(path):
            self.panel.packages.ensure(self, lambda: self._startImport(path))
            return
        try:
            name = addModel(path)
        except ValueError as error:
            self.showError(str(error))
            return
        self._added(name, path)

    def onRemoveModel(self, _checked: bool = False) -> None:
        """Ask, then delete the selected model."""
        row = self._selected()
        if row is None or not row.isOwn:
            return
        if not slicer.util.confirmOkCancelDisplay(
            _("Delete the model {name} from this computer?").format(name=row.name),
            _("SegMamba: remove a model"),
        ):
            return
        self.showError("")
        try:
            removeModel(row.name)
        except ValueError as error:
            self.showError(str(error))
        else:
            self.ui.modelsStatusLabel.text = _("{name} was removed.").format(name=row.name)
        self._fill()
        self.panel.refresh()

    def onModelCard(self, shown: bool) -> None:
        """Show the model card, which lies beside the shipped weights, or hide it."""
        if shown:
            self.ui.modelCardBrowser.markdown = modelCard() or _("The model card was not installed.")
        self.update()

    def onTimer(self) -> None:
        """Look how the import is getting on."""
        assert self._import is not None
        if not self._import.poll().isOver:
            return
        self._timer.stop()
        finished, self._import = self._import, None
        self.ui.modelsStatusLabel.text = ""
        if finished.state is RunState.SUCCEEDED:
            self._added(finished.name, finished.path)
        else:
            self.showError(finished.errorMessage)
            self.panel.refresh()

    def _startImport(self, path: Path) -> None:
        temporaryPath = Path(slicer.app.temporaryPath)
        try:
            self._import = WeightsImport(path, freeModelName(path), findProgram(), temporaryPath)
        except RuntimeError as error:
            self.showError(str(error))
            return
        self.ui.modelsStatusLabel.text = _("Converting {name}").format(name=path.name)
        self._timer.start()
        self.panel.refresh()

    def _added(self, name: str, path: Path) -> None:
        text = (
            _("Added {name}.")
            if name == path.stem
            else _("Added as {name}: the file's name is taken or no name.")
        )
        self.ui.modelsStatusLabel.text = text.format(name=name)
        self._fill()
        self.ui.modelTable.selectRow([row.name for row in self._rows].index(name))
        self.panel.refresh()

    def _fill(self) -> None:
        self._isFilled = True
        self._rows = modelRows()
        fillTable(
            self.ui.modelTable, [[getattr(row, column) for column in MODEL_COLUMNS] for row in self._rows]
        )
        self.ui.modelTable.selectRow(0)
        self.onModelSelected()

    def _selected(self) -> ModelRow | None:
        row = self.ui.modelTable.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _updateButtons(self) -> None:
        row, running = self._selected(), self.panel.logic.isRunning or self.panel.logic.batch.isRunning
        self.ui.modelsStatusLabel.visible = bool(self.ui.modelsStatusLabel.text)
        self.ui.modelCardBrowser.visible = self.ui.modelCardButton.checked
        self.ui.addModelButton.enabled = self._import is None
        self.ui.removeModelButton.enabled = row is not None and row.isOwn and not running
        self.ui.removeModelButton.toolTip = (
            _("A segmentation is running, and may be reading the model.")
            if running
            else _("Delete the selected model from this computer")
            if row is None or row.isOwn
            else _("This model is part of SegMamba and stays.")
        )
