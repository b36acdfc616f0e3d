"""Stand-ins for Slicer's Python modules that its Qt-free libraries lack, as wide as SegMamba needs."""

from __future__ import annotations

import sys
import types
import unittest
from types import SimpleNamespace
from typing import Any, get_type_hints

import slicer
import vtk


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
    _install("qt", QTimer=QTimer)


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleWidget:
    """resourceFolder and layout come from the module's place and window in Slicer."""

    resourceFolder = ""

    def __init__(self, parent: Any = None) -> None:
        self.parent = SimpleNamespace(isEntered=True)
        self.layout = SimpleNamespace(addWidget=lambda widget: setattr(self, "shown", widget))

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
    """It never fires: a test calls the slot."""

    def __init__(self) -> None:
        self.active = False

    def setInterval(self, milliseconds: int) -> None:
        pass

    def connect(self, signal: str, slot: Any) -> None:
        assert signal == "timeout()"

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        self.active = False


def parameterNodeWrapper(described: type) -> type:
    """Keep strings as parameters and nodes as references of a real vtkMRMLScriptedModuleNode."""
    for name, kind in get_type_hints(described).items():
        setattr(described, name, _stringProperty(name) if kind is str else _nodeProperty(name))
    described.__init__ = _initialize
    described.connectGui = _connectGui
    described.disconnectGui = lambda self, tag: self._connected.clear()
    described.AddObserver = lambda self, event, callback, priority=0.0: self.node.AddObserver(event, callback)
    described.RemoveObserver = lambda self, tag: self.node.RemoveObserver(tag)
    return described


def _initialize(self: Any, node: slicer.vtkMRMLScriptedModuleNode) -> None:
    self.node = node
    self._connected: dict[str, Any] = {}


def _connectGui(self: Any, ui: Any) -> str:
    for widget in vars(ui).values():
        name = widget.property("SlicerParameterName")
        if name:
            self._connected[name] = widget
            widget.setCurrentNode(getattr(self, name))
            widget.onNodeChanged(
                lambda node, name=name: name in self._connected and setattr(self, name, node)
            )

    def update(caller: Any, event: Any) -> None:
        for name, widget in self._connected.items():
            widget.setCurrentNode(getattr(self, name))

    self.node.AddObserver(vtk.vtkCommand.ModifiedEvent, update)
    return "tag"


def _stringProperty(name: str) -> property:
    return property(
        lambda self: self.node.GetParameter(name), lambda self, value: self.node.SetParameter(name, value)
    )


def _nodeProperty(name: str) -> property:
    return property(
        lambda self: self.node.GetNodeReference(name),
        lambda self, value: self.node.SetNodeReferenceID(name, value.GetID() if value else None),
    )


def _install(name: str, **contents: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    package, _dot, attribute = name.rpartition(".")
    if package:
        setattr(sys.modules[package], attribute, module)
