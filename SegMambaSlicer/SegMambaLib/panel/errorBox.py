"""An error that stays readable in the panel."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _


class ErrorBox:
    """A message with a button that copies the details; hidden while there is none."""

    def __init__(self, uiPath: str) -> None:
        self.widget = slicer.util.loadUI(uiPath)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._details = ""
        self.ui.copyDetailsButton.connect("clicked(bool)", self.onCopyDetails)
        self.show("", "")

    def show(self, message: str, details: str) -> None:
        """Show a message, "" for none. details: what somebody who helps needs to know; "" for the message alone."""
        self._details = details or message
        self.ui.errorLabel.text = message
        self.ui.copyDetailsButton.text = _("Copy details")
        self.widget.setVisible(bool(message))

    def onCopyDetails(self, _checked: bool = False) -> None:
        """Put the details onto the clipboard."""
        slicer.app.clipboard().setText(self._details)
        self.ui.copyDetailsButton.text = _("Copied")
