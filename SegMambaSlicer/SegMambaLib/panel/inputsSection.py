"""The four volumes."""

from __future__ import annotations

from .section import Section


class InputsSection(Section):
    """A selector for each contrast."""

    uiFile = "Inputs.ui"

    def update(self) -> None:
        """The volumes of a run can't be exchanged while it lasts."""
        self.ui.inputsCollapsibleButton.enabled = not self.panel.logic.isRunning
