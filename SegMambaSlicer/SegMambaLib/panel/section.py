"""What the panel and its collapsible parts know of each other."""

from __future__ import annotations

import logging
import traceback
from typing import Any, ClassVar, Protocol

import slicer

from ..logic import SegMambaLogic
from ..parameterNode import SegMambaParameterNode
from .packagesFlow import PackagesFlow


class Panel(Protocol):
    """What the panel gives to its sections.

    parameterNode: the scene's choices; None while no scene is open or the user is in another module.
    packages: what has to be there before the command can run; `ensure` it.
    parent: the widget around all sections.
    """

    logic: SegMambaLogic
    parameterNode: SegMambaParameterNode | None
    packages: PackagesFlow
    parent: Any

    def resourcePath(self, name: str) -> str:
        """Return the path of a file of the module's Resources folder."""
        ...

    def refresh(self) -> None:
        """Let every section show how things stand."""
        ...

    def showError(self, message: str, details: str = "", section: Section | None = None) -> None:
        """Show an error below a section, with details to copy, until the next call; "" takes it away."""
        ...


class Section:
    """One collapsible part of the panel: its widgets, their slots, nothing that a script could not do without it.

    uiFile: the file in Resources/UI, whose root is a qMRMLWidget. widget: that root; ui: its widgets by name.
    A widget with the dynamic property SlicerParameterName follows the parameter of that name, both ways.
    """

    uiFile: ClassVar[str]

    def __init__(self, panel: Panel) -> None:
        """Load the widgets. A subclass connects their signals; nothing is asked, installed or started here."""
        self.panel = panel
        self.widget = slicer.util.loadUI(panel.resourcePath(f"UI/{self.uiFile}"))
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._followed: tuple[Any, int] | None = None

    def setParameterNode(self, node: SegMambaParameterNode | None) -> None:
        """Show the choices of this node, or stop following any."""
        if self._followed:
            followed, tag = self._followed
            followed.disconnectGui(tag)
            self._followed = None
        if node and (widgets := self._parameterWidgets()):
            wrapper: Any = node  # its methods are made at run time
            # connectGui would do the same, but gives no tag to disconnect with.
            self._followed = wrapper, wrapper.connectParametersToGui(widgets)

    def enter(self) -> None:
        """The user opens the panel: the time to look what is in the scene or on the computer."""

    def segmentsEdited(self) -> None:
        """The chosen segmentation, or its segments, changed a moment ago; comes once for a whole brush stroke."""

    def update(self) -> None:
        """Bring texts and enabled states up to date. Cheap: called after every change of a choice."""

    def cleanup(self) -> None:
        """The module goes away: end what is running, observe nothing any more."""

    def showError(self, message: str, details: str = "") -> None:
        """Show an error below this section; "" takes it away."""
        self.panel.showError(message, details, self)

    def showUnexpectedError(self, message: str) -> None:
        """Show, within an `except`, that something failed that nobody foresaw, with details for a report.

        In the panel: Slicer's own window for errors would hold up all of it.
        """
        logging.exception("SegMamba")
        self.showError(message, traceback.format_exc())

    def _parameterWidgets(self) -> dict[str, Any]:
        named = ((widget.property("SlicerParameterName"), widget) for widget in vars(self.ui).values())
        return {name: widget for name, widget in named if name}
