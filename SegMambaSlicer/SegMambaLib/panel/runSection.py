"""Start, progress and cancel of a segmentation."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ..inputs.inputCheck import problemWithInputs
from ..inputs.roles import ROLES, missingRoles, roleTitle
from ..logic import SECONDS_BETWEEN_POLLS
from ..parameterNode import SegMambaParameterNode
from ..run.programRun import RunState
from ..run.progressText import progressText, resultText
from ..run.segmentCommand import RunChoices
from .runChoices import RunChoicesPart
from .section import Panel, Section

SHORTCUT = "Ctrl+Return"


class RunSection(Section):
    """The choices of a run, its button, and how far it is. The modules of Slicer stay usable meanwhile."""

    uiFile = "Run.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.choices = RunChoicesPart(panel, self.ui)
        self._packagesAreShown = False
        self._timer = qt.QTimer()
        self._timer.setInterval(round(1000 * SECONDS_BETWEEN_POLLS))
        self._timer.connect("timeout()", self.onTimer)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegmentButton)
        self.ui.checkPageButton.connect("clicked(bool)", self.onCheckPageButton)

    def enter(self) -> None:
        self.choices.askForDevices()

    def cleanup(self) -> None:
        self._timer.stop()
        self.choices.cleanup()
        self.panel.logic.stopNow()
        self.panel.logic.removeCheckPage()

    def update(self) -> None:
        running = self.panel.logic.isRunning or self.panel.packages.isBusy
        self.choices.update(not running)
        self.ui.segmentationSelector.enabled = not running
        self.ui.skipPreparationBox.enabled = not running
        self.ui.checkPageButton.visible = not running and self.panel.logic.hasCheckPage
        self.ui.progressBar.visible = running
        if self.panel.packages.isBusy:
            self._showPackages()
            return
        if self._packagesAreShown:
            self._packagesAreShown = False
            self.ui.statusLabel.text = ""
        if running:
            self._showProgress()
        else:
            self._showWhetherItCanStart()

    def onSegmentButton(self, _checked: bool = False) -> None:
        """Start a run, or cancel the one that is going on."""
        if self.panel.logic.isRunning:
            self.panel.logic.cancel()
        elif self.panel.packages.isBusy:
            self.panel.packages.cancel()
        else:
            self.showError("")
            self.ui.statusLabel.text = ""
            if self._isWantedWithoutMissing():
                self.panel.packages.ensure(self, self._start)
        self.panel.refresh()

    def onCheckPageButton(self, _checked: bool = False) -> None:
        """Open the picture of the last run's input as other pictures are opened on this computer."""
        try:
            path = self.panel.logic.writeCheckPage()
        except OSError as error:
            self.showError(_("The check page could not be written. {reason}").format(reason=error))
            return
        if path:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))

    def onTimer(self) -> None:
        """Look how the run is getting on."""
        try:
            state = self.panel.logic.poll()
        except Exception:
            self._timer.stop()
            self._showUnexpectedError()
            self.panel.refresh()
            return
        if state.isOver:
            self._timer.stop()
            self._showEnd(state)
            self.panel.refresh()
        else:
            self.update()

    def _isWantedWithoutMissing(self) -> bool:
        """Ask where a contrast has no volume: the result may be of no use."""
        node = self.panel.logic.getParameterNode()
        question = self.panel.logic.questionAboutMissing(self._volumes(node), node.model)
        if question is None:
            return True
        return bool(slicer.util.confirmOkCancelDisplay(question, _("SegMamba: contrasts are missing")))

    def _start(self) -> None:
        # Not the panel's: the user may have gone to another module while packages were installed.
        node = self.panel.logic.getParameterNode()
        choices = RunChoices(node.model, node.quality, node.device, node.skipPreparation)
        try:
            self.panel.logic.start(self._volumes(node), node.segmentation, choices)
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
        except Exception:
            self._showUnexpectedError()
        else:
            self._timer.start()

    def _showUnexpectedError(self) -> None:
        self.showUnexpectedError(_("The segmentation failed unexpectedly. Copy the details for a report."))

    def _showEnd(self, state: RunState) -> None:
        job = self.panel.logic.job
        assert job is not None
        if state is RunState.FAILED:
            self.ui.statusLabel.text = ""
            self.showError(job.errorMessage, job.details)
        elif state is RunState.CANCELLED:
            self.ui.statusLabel.text = _("Cancelled. Nothing was changed.")
        elif job.run.result is not None:
            warnings = [_("Warning: {warning}").format(warning=warning) for warning in job.run.warnings]
            self.ui.statusLabel.text = "\n".join([resultText(job.run.result), *warnings])
            # The next run goes into the same segmentation unless the user chooses otherwise.
            self.panel.logic.getParameterNode().segmentation = job.segmentation
            self.choices.askForDevices()

    def _showPackages(self) -> None:
        self._packagesAreShown = True
        self._showButton(_("Cancel"), True, _("Do not install Python packages now."), shortcut="")
        self.ui.statusLabel.text = self.panel.packages.text
        self.ui.progressBar.maximum = 0

    def _showProgress(self) -> None:
        job = self.panel.logic.job
        assert job is not None
        cancelling = job.state is RunState.CANCELLING
        progress = job.run.progress
        self._showButton(
            _("Cancel"), not cancelling, _("Stop the segmentation. Nothing will be changed."), shortcut=""
        )
        self.ui.statusLabel.text = _("Cancelling") if cancelling else progressText(job.run.phase, progress)
        # Maximum 0 is Qt's bar without an end: something is being done, and nobody knows for how long.
        self.ui.progressBar.maximum = progress.total if progress else 0
        self.ui.progressBar.value = progress.done if progress else 0

    def _showWhetherItCanStart(self) -> None:
        problem = self._problem()
        tip = self._tip()
        self._showButton(_("Segment tumor"), problem is None, problem or tip, SHORTCUT)

    def _tip(self) -> str:
        node = self.panel.parameterNode
        missing = missingRoles(self._volumes(node)) if node else []
        if not missing:
            return _("Segment the tumor in the four volumes ({keys}).").format(keys=SHORTCUT)
        titles = ", ".join(roleTitle(role) for role in missing)
        return _("Segment the tumor without {contrasts} ({keys}).").format(contrasts=titles, keys=SHORTCUT)

    def _showButton(self, text: str, enabled: bool, tip: str, shortcut: str) -> None:
        button = self.ui.segmentButton
        if button.text != text:
            button.text = text
            button.shortcut = qt.QKeySequence(shortcut)  # a new text takes the old one away
        button.enabled = enabled
        button.toolTip = tip

    def _problem(self) -> str | None:
        node = self.panel.parameterNode
        if node is None:
            return _("No scene is open.")
        if self.panel.logic.batch.isRunning:
            return _("A batch of patients is being segmented. Wait for it, or cancel it.")
        if self.ui.modelSelector.count == 0:
            return _("No model is installed. Install the extension again.")
        return problemWithInputs(self._volumes(node), node.segmentation)

    def _volumes(self, node: SegMambaParameterNode) -> dict[str, slicer.vtkMRMLScalarVolumeNode | None]:
        return {role: getattr(node, role) for role in ROLES}
