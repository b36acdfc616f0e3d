"""Start, progress and cancel of a segmentation."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ..inputs.inputCheck import problemWithInputs
from ..inputs.roles import ROLES
from ..logic import SECONDS_BETWEEN_POLLS
from ..packages.dependencies import ensureDependencies
from ..parameterNode import SegMambaParameterNode
from ..run.progressText import progressText, resultText
from ..run.segmentationRun import RunState
from .section import Panel, Section


class RunSection(Section):
    """Where the result goes, the button, how far the run is, and how to take it back."""

    uiFile = "Run.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        for model in panel.logic.models():
            self.ui.modelSelector.addItem(model)
        self._timer = qt.QTimer()
        self._timer.setInterval(round(1000 * SECONDS_BETWEEN_POLLS))
        self._timer.connect("timeout()", self.onTimer)
        self.ui.modelSelector.connect("currentTextChanged(QString)", self.onModelChanged)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegmentButton)
        self.ui.undoButton.connect("clicked(bool)", self.onUndoButton)

    def setParameterNode(self, node: SegMambaParameterNode | None) -> None:
        super().setParameterNode(node)
        if node:
            self._selectModel(node)

    def cleanup(self) -> None:
        self._timer.stop()
        self.panel.logic.stopNow()

    def update(self) -> None:
        running = self.panel.logic.isRunning
        self.ui.modelSelector.enabled = not running
        self.ui.segmentationSelector.enabled = not running
        self.ui.progressBar.visible = running
        self.ui.undoButton.enabled = not running and self.panel.logic.canUndo
        if running:
            self._showProgress()
        else:
            self._showWhetherItCanStart()

    def onModelChanged(self, model: str) -> None:
        """The list of models depends on the installation: the parameter node can't connect it by itself."""
        if self.panel.parameterNode:
            self.panel.parameterNode.model = model

    def onSegmentButton(self, _checked: bool = False) -> None:
        """Start a run, or cancel the one that is going on."""
        if self.panel.logic.isRunning:
            self.panel.logic.cancel()
        else:
            self._start()
        self.panel.refresh()

    def onUndoButton(self, _checked: bool = False) -> None:
        """Give the segmentation back as it was before the last run."""
        self.panel.logic.undo()
        self.panel.refresh()

    def onTimer(self) -> None:
        """Look how the run is getting on."""
        try:
            state = self.panel.logic.poll()
        except Exception:
            self._timer.stop()
            self.panel.refresh()
            raise
        if state.isOver:
            self._timer.stop()
            self._showEnd(state)
            self.panel.refresh()
        else:
            self.update()

    def _start(self) -> None:
        node = self.panel.parameterNode
        assert node is not None
        self.showError("")
        self.ui.statusLabel.text = ""
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
            try:
                ensureDependencies()
                self.panel.logic.start(self._volumes(node), node.segmentation, node.model)
            except (ValueError, RuntimeError) as error:
                self.showError(str(error))
                return
        self._timer.start()

    def _showEnd(self, state: RunState) -> None:
        job = self.panel.logic.job
        assert job is not None
        if state is RunState.FAILED:
            self.ui.statusLabel.text = ""
            self.showError(job.errorMessage)
        elif state is RunState.CANCELLED:
            self.ui.statusLabel.text = _("Cancelled. Nothing was changed.")
        elif job.run.result is not None:
            self.ui.statusLabel.text = "\n".join([resultText(job.run.result), *job.run.warnings])
            # The next run goes into the same segmentation unless the user chooses otherwise.
            self.panel.logic.getParameterNode().segmentation = job.segmentation

    def _showProgress(self) -> None:
        job = self.panel.logic.job
        assert job is not None
        cancelling = job.state is RunState.CANCELLING
        progress = job.run.progress
        self.ui.segmentButton.text = _("Cancel")
        self.ui.segmentButton.enabled = not cancelling
        self.ui.segmentButton.toolTip = _("Stop the segmentation. Nothing will be changed.")
        self.ui.statusLabel.text = _("Cancelling") if cancelling else progressText(job.run.phase, progress)
        # Maximum 0 is Qt's bar without an end: something is being done, and nobody knows for how long.
        self.ui.progressBar.maximum = progress.total if progress else 0
        self.ui.progressBar.value = progress.done if progress else 0

    def _showWhetherItCanStart(self) -> None:
        problem = self._problem()
        self.ui.segmentButton.text = _("Segment tumor")
        self.ui.segmentButton.enabled = problem is None
        self.ui.segmentButton.toolTip = problem or _("Segment the tumor in the four volumes.")

    def _problem(self) -> str | None:
        node = self.panel.parameterNode
        if node is None:
            return _("No scene is open.")
        if self.ui.modelSelector.count == 0:
            return _("No model is installed. Install the extension again.")
        return problemWithInputs(self._volumes(node), node.segmentation)

    def _volumes(self, node: SegMambaParameterNode) -> dict[str, slicer.vtkMRMLScalarVolumeNode | None]:
        return {role: getattr(node, role) for role in ROLES}

    def _selectModel(self, node: SegMambaParameterNode) -> None:
        # A scene from another computer may name a model that this one lacks.
        index = max(self.ui.modelSelector.findText(node.model), 0)
        self.ui.modelSelector.currentIndex = index
        node.model = self.ui.modelSelector.currentText
