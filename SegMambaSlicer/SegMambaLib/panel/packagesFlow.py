"""The packages, for every section that needs them: look, ask once, install, go on. Slicer stays usable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ..packages.installState import InstallState
from ..packages.packageInstallation import PackageInstallation
from ..packages.packages import SECONDS_BETWEEN_POLLS

if TYPE_CHECKING:
    from .section import Panel, Section


class PackagesFlow:
    """isBusy and text tell what is going on; errors appear below the section that wanted the packages."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._attempt: PackageInstallation | None = None
        self._section: Section | None = None
        self._then: Callable[[], None] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(round(1000 * SECONDS_BETWEEN_POLLS))
        self._timer.connect("timeout()", self.onTimer)

    @property
    def isBusy(self) -> bool:
        """Whether packages are being looked at or installed, or the user is being asked."""
        return self._attempt is not None

    @property
    def text(self) -> str:
        """One line: what is being done."""
        return self._attempt.text if self._attempt else ""

    def ensure(self, section: Section, then: Callable[[], None]) -> None:
        """Call `then` as soon as all packages are there: at once if they are known to be in this session."""
        if self._panel.logic.packages.areReady:
            then()
        else:
            self.install(section, then=then)

    def install(
        self, section: Section, wheels: Path | None = None, then: Callable[[], None] | None = None
    ) -> None:
        """Look, ask and install, whatever is known. wheels: a folder to take wheels from instead of the network."""
        if self.isBusy:
            section.showError(_("The Python packages are being looked at already. Wait until that is over."))
            return
        section.showError("")
        try:
            self._attempt = self._panel.logic.packages.begin(wheels)
        except RuntimeError as error:
            section.showError(str(error))
            return
        self._section, self._then = section, then
        self._timer.start()
        self._panel.refresh()

    def cancel(self) -> None:
        """Stop, and do not go on to what was to follow."""
        if self._attempt:
            self._attempt.cancel()
            self._panel.refresh()

    def cleanup(self) -> None:
        """The module goes away."""
        self._timer.stop()
        if self._attempt:
            self._attempt.stopNow()
            self._attempt = None

    def onTimer(self) -> None:
        """Look how it is getting on."""
        assert self._attempt is not None
        state = self._attempt.poll()
        if state is InstallState.ASKING:
            # Other timers go on while the question is open; this one must not ask again.
            self._timer.stop()
            self._attempt.answer(_confirm(self._attempt.question))
            self._timer.start()
        if self._attempt.state.isOver:
            self._timer.stop()
            self._finish()
        else:
            self._panel.refresh()

    def _finish(self) -> None:
        attempt, section, then = self._attempt, self._section, self._then
        assert attempt is not None and section is not None
        self._attempt = self._section = self._then = None
        self._panel.logic.packages.finished(attempt)
        if attempt.state is InstallState.FAILED:
            section.showError(attempt.message, f"{attempt.message}\n\n{attempt.details}")
        elif attempt.state is InstallState.DECLINED:
            section.showError(
                _("The Python packages were not installed, as you chose. Nothing was downloaded.")
            )
        elif attempt.state is InstallState.READY and then:
            then()
        if attempt.advice:
            section.showError(attempt.advice)
        self._panel.refresh()


def _confirm(question: str) -> bool:
    # In Slicer's testing mode the next call answers yes without asking: a test must not install anything.
    if slicer.app.testingEnabled():
        return False
    return bool(slicer.util.confirmOkCancelDisplay(question, _("SegMamba: install Python packages")))
