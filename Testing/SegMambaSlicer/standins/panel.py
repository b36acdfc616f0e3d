"""The panel's .ui file as real Qt widgets, with stand-ins for the three classes that only Slicer has.

PySide6 reads the file, so that layout, texts and property names are tested as they are. `PythonQtWidget` lets
the module's code use them in PythonQt's way, where properties are attributes.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtCore, QtUiTools, QtWidgets


class NodeComboBox(QtWidgets.QComboBox):
    """qMRMLNodeComboBox: the scene's nodes of a class, and none."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._nodes: list[slicer.vtkMRMLNode | None] = []
        self._callbacks: list[Callable] = []
        self._filling = False
        self.currentIndexChanged.connect(self._changed)

    def setMRMLScene(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent):
            scene.AddObserver(event, lambda caller, event: self._fill())
        self._fill()

    def currentNode(self) -> slicer.vtkMRMLNode | None:
        return self._nodes[self.currentIndex()]

    def setCurrentNode(self, node: slicer.vtkMRMLNode | None) -> None:
        if self.currentNode() is not node:
            self.setCurrentIndex(self._nodes.index(node))

    def onNodeChanged(self, callback: Callable) -> None:
        self._callbacks.append(callback)

    def _fill(self) -> None:
        chosen = self.currentNode() if self._nodes else None
        kind = self.property("nodeTypes")[0]
        self._nodes = [None, *slicer.util.getNodesByClass(kind, self._scene)]
        self._filling = True
        self.clear()
        self.addItems([node.GetName() if node else self.property("noneDisplay") for node in self._nodes])
        self.setCurrentIndex(self._nodes.index(chosen) if chosen in self._nodes else 0)
        self._filling = False
        if chosen not in self._nodes:
            self._changed()

    def _changed(self) -> None:
        if not self._filling:
            for callback in self._callbacks:
                callback(self.currentNode())


class CollapsibleButton(QtWidgets.QGroupBox):
    """ctkCollapsibleButton, always open."""

    text = QtCore.Property(str, QtWidgets.QGroupBox.title, QtWidgets.QGroupBox.setTitle)


# Under the names that the .ui file uses. QUiLoader does not keep them alive, so this list has to.
UI_CLASSES = [
    type("qMRMLNodeComboBox", (NodeComboBox,), {}),
    type("ctkCollapsibleButton", (CollapsibleButton,), {}),
    type("qMRMLWidget", (QtWidgets.QWidget,), {}),
]


class PythonQtWidget:
    """A widget as PythonQt shows it: properties are attributes, signals are connected by signature."""

    def __init__(self, widget: QtWidgets.QWidget) -> None:
        vars(self)["widget"] = widget

    def __getattr__(self, name: str) -> Any:
        if self.widget.metaObject().indexOfProperty(name) >= 0:
            return self.widget.property(name)
        return getattr(self.widget, name)

    def __setattr__(self, name: str, value: Any) -> None:
        assert self.widget.metaObject().indexOfProperty(name) >= 0, f"no property {name}"
        self.widget.setProperty(name, value)

    def connect(self, signature: str, slot: Callable) -> None:
        assert self.widget.metaObject().indexOfSignal(signature) >= 0, f"no signal {signature}"
        getattr(self.widget, signature.split("(")[0]).connect(slot)


class Panel:
    """What slicer.util.loadUI returns."""

    def __init__(self, path: str) -> None:
        self.application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
        loader = QtUiTools.QUiLoader()
        for kind in UI_CLASSES:
            loader.registerCustomWidget(kind)
        self.widget = loader.load(path)
        self._receivers = [
            connection.findtext("receiver")
            for connection in ElementTree.parse(Path(path)).iter("connection")
            if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        ]

    def setMRMLScene(self, scene: slicer.vtkMRMLScene) -> None:
        """Hand the scene to the widgets that the file connects with it, and to no other."""
        for name in self._receivers:
            self.widget.findChild(QtWidgets.QWidget, name).setMRMLScene(scene)

    def children(self) -> SimpleNamespace:
        """Return what slicer.util.childWidgetVariables returns."""
        widgets = self.widget.findChildren(QtWidgets.QWidget)
        return SimpleNamespace(**{w.objectName(): PythonQtWidget(w) for w in widgets if w.objectName()})

    def save_picture(self, path: Path, width: int = 420) -> None:
        """Draw the panel into a PNG file, as high as its content wants."""
        self.widget.resize(width, self.widget.sizeHint().height())
        self.widget.show()
        self.application.processEvents()
        self.widget.resize(width, max(self.widget.layout().totalHeightForWidth(width), 10))
        self.application.processEvents()
        assert self.widget.grab().save(str(path))
