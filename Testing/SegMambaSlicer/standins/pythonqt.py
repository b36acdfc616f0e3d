"""Qt widgets in PythonQt's way, where properties are attributes, and what Slicer makes of .ui files."""

from __future__ import annotations

import ctypes
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import slicer
from PySide6 import QtUiTools, QtWidgets

from .widgets import UI_CLASSES

if sys.version_info < (3, 12):
    # PySide6 6.12 gives None away without counting it, a reference lost with each call that returns nothing; at
    # the end Python 3.11 aborts. From 3.12 on None is not counted.
    for _ in range(300_000):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))


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


class LoadedUi(PythonQtWidget):
    """What slicer.util.loadUI returns: the file's root, with the scene's slot of a qMRMLWidget."""

    def __init__(self, path: str) -> None:
        application()
        loader = QtUiTools.QUiLoader()
        for kind in UI_CLASSES:
            loader.registerCustomWidget(kind)
        super().__init__(loader.load(path))
        vars(self)["_receivers"] = [
            connection.findtext("receiver")
            for connection in ElementTree.parse(Path(path)).iter("connection")
            if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        ]

    def setMRMLScene(self, scene: slicer.vtkMRMLScene) -> None:
        """Hand the scene to the widgets that the file connects with it, and to no other."""
        for name in self._receivers:
            self.widget.findChild(QtWidgets.QWidget, name).setMRMLScene(scene)


def childWidgetVariables(loaded: LoadedUi) -> SimpleNamespace:
    """Return what slicer.util.childWidgetVariables returns."""
    widgets = loaded.widget.findChildren(QtWidgets.QWidget)
    return SimpleNamespace(**{w.objectName(): PythonQtWidget(w) for w in widgets if w.objectName()})


def application() -> QtWidgets.QApplication:
    """Return the one that a process may have."""
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


class ModuleParent(PythonQtWidget):
    """ScriptedLoadableModuleWidget's parent: a real widget, of a module that the user has opened."""

    isEntered = True

    def __init__(self) -> None:
        application()
        super().__init__(QtWidgets.QWidget())


class ModuleLayout:
    """ScriptedLoadableModuleWidget's layout: a column of real widgets."""

    def __init__(self, parent: ModuleParent) -> None:
        self.window = parent.widget
        self._layout = QtWidgets.QVBoxLayout(self.window)

    def addWidget(self, widget: PythonQtWidget) -> None:
        self._layout.addWidget(widget.widget)

    def insertWidget(self, index: int, widget: PythonQtWidget) -> None:
        self._layout.insertWidget(index, widget.widget)

    def removeWidget(self, widget: PythonQtWidget) -> None:
        self._layout.removeWidget(widget.widget)

    def indexOf(self, widget: PythonQtWidget) -> int:
        return self._layout.indexOf(widget.widget)

    def addStretch(self, stretch: int) -> None:
        self._layout.addStretch(stretch)

    def savePicture(self, path: Path, width: int = 460) -> None:
        """Draw the panel into a PNG file, as high as its content wants."""
        self.window.resize(width, self.window.sizeHint().height())
        self.window.show()
        application().processEvents()
        self.window.resize(width, max(self._layout.totalHeightForWidth(width), 10))
        application().processEvents()
        assert self.window.grab().save(str(path))
