"""The four volumes: chosen by hand, recognized in the scene, or loaded from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..inputs.roles import ROLES
from ..inputs.volumeLines import VolumeLine, VolumeLines
from .dropFilter import DropFilter
from .section import Panel, Section

_WARNING_COLOR = "#c77700"  # can be read on Slicer's light and dark backgrounds


class InputsSection(Section):
    """A selector for each contrast, with what is known of the volume below it."""

    uiFile = "Inputs.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._lines = VolumeLines()
        self._isLoading = False
        self._drops = DropFilter(self.load)
        panel.parent.setAcceptDrops(True)
        panel.parent.installEventFilter(self._drops)
        self.ui.assignButton.connect("clicked(bool)", self.onAssignButton)
        self.ui.loadFolderButton.connect("clicked(bool)", self.onLoadFolderButton)
        self.ui.loadingLabel.visible = False

    def enter(self) -> None:
        """Fill the roles from what is in the scene, if the user has not begun to."""
        node = self.panel.parameterNode
        if node and not self.panel.logic.isRunning and not any(getattr(node, role) for role in ROLES):
            self.panel.logic.fillRoles()

    def cleanup(self) -> None:
        self.panel.parent.removeEventFilter(self._drops)

    def update(self) -> None:
        """Volumes can't be exchanged during a run."""
        free = not (self.panel.logic.isRunning or self._isLoading)
        self.ui.inputsCollapsibleButton.enabled = free
        node = self.panel.parameterNode
        nodes = {role: getattr(node, role) if node else None for role in ROLES}
        assigner = self.panel.logic.roles
        assignments = {role: assigner.assignmentOf(role, nodes[role]) for role in ROLES}
        for role, line in self._lines.lines(nodes, assignments).items():
            self._show(f"{role}Line", _richText(line))

    def onAssignButton(self, _checked: bool = False) -> None:
        """Recognize the scene's volumes anew; what the user chose stays."""
        self.showError("")
        self.panel.logic.fillRoles()
        self.panel.refresh()

    def onLoadFolderButton(self, _checked: bool = False) -> None:
        """For those who cannot drop a folder on the panel."""
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder of one patient"))
        if folder:
            self.load([Path(folder)])

    def load(self, paths: Sequence[Path]) -> None:
        """Load files or a folder, and give them their roles."""
        if self.panel.logic.isRunning:
            self.showError(_("A run is using the volumes. Wait until it has finished, or cancel it."))
            return
        if self._isLoading:
            return  # progress is in the panel already
        self.showError("")
        self._isLoading = True
        self.update()
        try:
            self.panel.logic.loadCase(paths, self._showProgress)
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
        finally:
            self._isLoading = False
            self._show("loadingLabel", "")
            self.panel.refresh()

    def _showProgress(self, text: str) -> None:
        self._show("loadingLabel", text)
        slicer.app.processEvents()

    def _show(self, name: str, text: str) -> None:
        label = getattr(self.ui, name)
        label.text = text
        label.visible = bool(text)


def _richText(line: VolumeLine) -> str:
    warnings = (
        f'<span style="color: {_WARNING_COLOR}">{escape(warning)}</span>' for warning in line.warnings
    )
    return "<br>".join([*([escape(line.text)] if line.text else []), *warnings])
