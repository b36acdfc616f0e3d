"""The registration part of the Follow-up section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from ..followUp.layScan import isLaid
from ..logic import SECONDS_BETWEEN_POLLS
from ..run.programRun import RunState
from ..run.progressText import progressText

if TYPE_CHECKING:
    from .followUpSection import FollowUpSection


class FollowUpRegistration:
    """Start, progress and cancel; and how to take it back."""

    def __init__(self, section: FollowUpSection) -> None:
        self._section = section
        self._ui = section.ui
        self._logic = section.panel.logic.followUp
        self._timer = qt.QTimer()
        self._timer.setInterval(round(1000 * SECONDS_BETWEEN_POLLS))
        self._timer.connect("timeout()", self.onTimer)
        self._ui.registerButton.connect("clicked(bool)", self.onRegisterButton)
        self._ui.removeButton.connect("clicked(bool)", self.onRemoveButton)

    @property
    def isRunning(self) -> bool:
        """Whether scans are being registered."""
        return self._logic.isRunning

    def stopNow(self) -> None:
        """The module goes away."""
        self._timer.stop()
        self._logic.stopNow()

    def update(self) -> None:
        """Show how things stand."""
        running = self.isRunning
        self._ui.progressBar.visible = running
        self._ui.removeButton.enabled = not running and any(
            isLaid(scan) for scan in self._section.scans.scans
        )
        self._ui.registerButton.text = _("Cancel") if running else _("Register to baseline")
        problem = self._problem()
        self._ui.registerButton.enabled = running or problem is None
        self._ui.registerButton.toolTip = (
            _("Stop. Scans that are registered already stay so.")
            if running
            else problem
            or _("Lay the other scans onto the baseline, or the first, rigidly. It can be taken back.")
        )
        if running:
            self._showProgress()

    def onRegisterButton(self, _checked: bool = False) -> None:
        """Start, or cancel what is going on."""
        if self.isRunning:
            self._logic.cancel()
            self.update()
        else:
            self._section.panel.packages.ensure(self._section, self._start)

    def onRemoveButton(self, _checked: bool = False) -> None:
        """Put the scans back."""
        self._logic.removeRegistrations(self._section.scans.scans)
        self._ui.statusLabel.text = _("The scans lie where they lay before.")
        self._section.update()

    def onTimer(self) -> None:
        """Look how it is getting on."""
        try:
            state = self._logic.poll()
        except Exception:
            self.stopNow()
            self._section.showUnexpectedError(
                _("The registration failed unexpectedly. Copy the details for a report.")
            )
            self._section.update()
            return
        if state.isOver:
            self._timer.stop()
            self._showEnd(state)
            self._section.update()
        else:
            self.update()

    def _start(self) -> None:
        section = self._section
        section.scans.update()  # one may have left the scene meanwhile
        if problem := self._problem():
            section.showError(problem)
            return
        fixed = section.scans.baseline or section.scans.scans[0]
        section.showError("")
        self._ui.statusLabel.text = ""
        try:
            self._logic.register(fixed, [scan for scan in section.scans.scans if scan != fixed])
        except (ValueError, RuntimeError) as error:
            section.showError(str(error))
        else:
            self._timer.start()
        section.update()

    def _problem(self) -> str | None:
        if len(self._section.scans.scans) < 2:
            return _("Two or more segmented scans of one patient are needed.")
        if self._section.panel.logic.isRunning:
            return _("Wait for the segmentation.")
        return None

    def _showProgress(self) -> None:
        job = self._logic.job
        assert job is not None
        progress = job.run.progress
        self._ui.statusLabel.text = (
            _("Cancelling")
            if job.state is RunState.CANCELLING
            else _("Scan {number} of {total}: {text}").format(
                number=job.number, total=job.total, text=progressText(job.run.phase, progress)
            )
        )
        self._ui.progressBar.maximum = progress.total if progress else 0
        self._ui.progressBar.value = progress.done if progress else 0

    def _showEnd(self, state: RunState) -> None:
        job = self._logic.job
        assert job is not None
        self._ui.statusLabel.text = "\n".join(
            [_("Cancelled.") if state is RunState.CANCELLED else "", *job.warnings]
        ).strip()
        if state is RunState.FAILED:
            self._section.showError(job.errorMessage)
        elif state is RunState.SUCCEEDED:
            done = _("Registered. Compare the scans side by side before you rely on it.")
            self._ui.statusLabel.text = "\n".join([done, *job.warnings])
