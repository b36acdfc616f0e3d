"""Stand-ins for Slicer's Python modules that its Qt-free libraries lack, as wide as SegMamba needs."""

from __future__ import annotations

import sys
import types
import unittest
from typing import Any

import slicer

from .parameter_node import parameterNodeWrapper


def install() -> None:
    """Make the modules importable; `slicer.packaging` stays absent, as in Slicer 5.10."""
    _install("slicer.i18n", tr=lambda text: text, translate=lambda context, text: text)
    _install("slicer.parameterNodeWrapper", parameterNodeWrapper=parameterNodeWrapper)
    _install(
        "slicer.ScriptedLoadableModule",
        ScriptedLoadableModule=ScriptedLoadableModule,
        ScriptedLoadableModuleLogic=ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest=unittest.TestCase,
        ScriptedLoadableModuleWidget=ScriptedLoadableModuleWidget,
    )
    _install("qt", QTimer=QTimer, __getattr__=_qtClass)


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleWidget:
    """resourceFolder and layout come from the module's place and window in Slicer."""

    resourceFolder = ""

    def __init__(self, parent: Any = None) -> None:
        from .pythonqt import ModuleLayout, ModuleParent

        self.parent = ModuleParent()
        self.layout = ModuleLayout(self.parent)

    def setup(self) -> None:
        pass

    def resourcePath(self, name: str) -> str:
        return f"{self.resourceFolder}/{name}"


class ScriptedLoadableModuleLogic:
    def getParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
        node = slicer.mrmlScene.GetSingletonNode(type(self).__name__, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(type(self).__name__)
            node = slicer.mrmlScene.AddNode(node)
        return node


class QTimer:
    """It never fires: a test calls the slot. Only what is to come right after the event comes at once."""

    def __init__(self) -> None:
        self.active = False

    @staticmethod
    def singleShot(milliseconds: int, slot: Any) -> None:
        assert milliseconds == 0
        slot()

    def setInterval(self, milliseconds: int) -> None:
        pass

    def setSingleShot(self, singleShot: bool) -> None:
        pass

    def connect(self, signal: str, slot: Any) -> None:
        assert signal == "timeout()"

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        self.active = False


def _qtClass(name: str) -> Any:
    """Give what a section takes from qt, as PySide6 has it: enough for values such as Qt.Key_Return."""
    from PySide6 import QtCore, QtGui, QtWidgets

    for part in (QtCore, QtGui, QtWidgets):
        if hasattr(part, name):
            return getattr(part, name)
    raise AttributeError(name)


def _install(name: str, **contents: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    package, _dot, attribute = name.rpartition(".")
    if package:
        setattr(sys.modules[package], attribute, module)
