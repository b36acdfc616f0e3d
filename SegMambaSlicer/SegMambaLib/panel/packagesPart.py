"""The lower half of "Models and packages": the Python packages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ..packages.packageReport import Condition, PackageState
from .tables import fillTable

if TYPE_CHECKING:
    from .section import Section


class PackagesPart:
    """A line a package, which PyTorch to install, and the buttons."""

    def __init__(self, section: Section) -> None:
        self._section, self._panel, self.ui = section, section.panel, section.ui
        self.ui.buildSelector.connect("currentIndexChanged(int)", self.onBuildChosen)
        self.ui.installButton.connect("clicked(bool)", self.onInstall)
        self.ui.wheelsButton.connect("clicked(bool)", self.onWheels)

    def update(self) -> None:
        """Show how things stand."""
        busy = self._panel.packages.isBusy
        running = self._panel.logic.isRunning or self._panel.logic.batch.isRunning
        states = self._panel.logic.packages.states()
        fillTable(self.ui.packageTable, [_line(state) for state in states])
        self.ui.packagesProgressBar.visible = busy
        self.ui.packagesStatusLabel.text = self._panel.packages.text if busy else self._summary(states)
        self.ui.installButton.text = _("Cancel") if busy else self._action(states)
        self.ui.installButton.enabled = busy or not running
        self.ui.wheelsButton.enabled = not busy and not running
        self._updateBuilds(states, busy)

    def onBuildChosen(self, index: int) -> None:
        """Which PyTorch the next installation takes."""
        builds = self._panel.logic.packages.builds()
        if 0 <= index < len(builds):
            self._panel.logic.packages.build = builds[index]

    def onInstall(self, _checked: bool = False) -> None:
        """Look, ask, install or repair; or cancel that."""
        if self._panel.packages.isBusy:
            self._panel.packages.cancel()
        else:
            self._panel.packages.install(self._section)

    def onWheels(self, _checked: bool = False) -> None:
        """Let the user choose a folder of wheels, and install from it."""
        title = _("Folder of wheels (.whl) for this computer")
        chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if chosen:
            self._panel.packages.install(self._section, wheels=Path(chosen))

    def _updateBuilds(self, states: list[PackageState], busy: bool) -> None:
        isMissing = any(s.needed.name == "torch" and s.condition is Condition.MISSING for s in states)
        builds = self._panel.logic.packages.builds() if isMissing else []
        selector = self.ui.buildSelector
        if selector.count != len(builds):
            selector.clear()
            for build in builds:
                selector.addItem(build.title)
        selector.enabled = not busy
        for widget in (selector, self.ui.buildLabel):
            widget.visible = len(builds) > 1

    def _action(self, states: list[PackageState]) -> str:
        conditions = {state.condition for state in states}
        if Condition.MISSING in conditions:
            return _("Install")
        return _("Repair") if Condition.BROKEN in conditions else _("Check")

    def _summary(self, states: list[PackageState]) -> str:
        if self._panel.logic.packages.areReady:
            return _("All packages are there and work.")
        bad = sum(state.condition is not Condition.GOOD for state in states)
        if bad:
            return _("{count} of {all} packages are missing or do not work.").format(
                count=bad, all=len(states)
            )
        return _("All packages seem to be there; whether they work is looked at before the first run.")


def _line(state: PackageState) -> list[str]:
    words = {
        Condition.MISSING: _("not installed"),
        Condition.OLD: _("too old, needs {line}").format(line=state.needed.line),
        Condition.BROKEN: _("does not work: {reason}").format(reason=state.reason),
        Condition.GOOD: _("installed"),
    }
    return [state.needed.name, state.version, words[state.condition]]
