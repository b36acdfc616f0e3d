"""slicer.parameterNodeWrapper: an object's typed attributes, kept in a real vtkMRMLScriptedModuleNode.

As in Slicer, some widgets can't be connected: a combo box without a Choice annotation, a
ctkPathLineEdit with text. Whoever reads a parameter that was never written gets its default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args, get_origin, get_type_hints

import slicer
import vtk

_EMPTY: dict[Any, Any] = {str: "", bool: False, int: 0, float: 0.0, list: []}


def parameterNodeWrapper(described: type) -> type:
    """Turn a class's annotations into properties: str, bool, int, float, MRML nodes, and lists of these."""
    kinds = get_type_hints(described)
    for name, kind in kinds.items():
        setattr(described, name, _property(name, kind, getattr(described, name, None)))
    described.__init__ = _initialize
    described.dataType = staticmethod(lambda name: kinds[name])
    described.connectParametersToGui = _connectParametersToGui
    described.disconnectGui = _disconnectGui
    described.AddObserver = lambda self, event, callback, priority=0.0: self.parameterNode.AddObserver(
        event, callback, priority
    )
    described.RemoveObserver = lambda self, tag: self.parameterNode.RemoveObserver(tag)
    described.StartModify = lambda self: self.parameterNode.StartModify()
    described.EndModify = lambda self, modified: self.parameterNode.EndModify(modified)
    described.Modified = lambda self: self.parameterNode.Modified()
    return described


def _initialize(self: Any, node: slicer.vtkMRMLScriptedModuleNode) -> None:
    self.parameterNode = node
    self._connected: dict[int, dict[str, Any]] = {}


def _property(name: str, kind: Any, default: Any) -> property:
    if _isNode(kind):
        return property(
            lambda self: self.parameterNode.GetNodeReference(name),
            lambda self, value: self.parameterNode.SetNodeReferenceID(name, value.GetID() if value else None),
        )
    if get_origin(kind) is list and _isNode(get_args(kind)[0]):
        return property(
            lambda self: _nodes(self.parameterNode, name), lambda self, value: _set(self, name, value)
        )
    empty = _EMPTY[get_origin(kind) or kind] if default is None else default

    def read(self: Any) -> Any:
        text = self.parameterNode.GetParameter(name)
        return json.loads(text) if text else json.loads(json.dumps(empty))

    def write(self: Any, value: Any) -> None:
        expected = (int, float) if kind is float else get_origin(kind) or kind
        assert isinstance(value, expected), f"{name} is a {kind}, not {value!r}"
        self.parameterNode.SetParameter(name, json.dumps(value))

    return property(read, write)


def _isNode(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def _nodes(node: slicer.vtkMRMLScriptedModuleNode, name: str) -> list[slicer.vtkMRMLNode]:
    return [node.GetNthNodeReference(name, i) for i in range(node.GetNumberOfNodeReferences(name))]


def _set(self: Any, name: str, nodes: list[slicer.vtkMRMLNode]) -> None:
    with slicer.util.NodeModify(self.parameterNode):
        self.parameterNode.RemoveNodeReferenceIDs(name)
        for node in nodes:
            self.parameterNode.AddNodeReferenceID(name, node.GetID())


def _connectParametersToGui(self: Any, widgets: dict[str, Any]) -> int:
    tag = len(self._connected)
    self._connected[tag] = dict(widgets)
    for name, widget in widgets.items():
        _write(widget, getattr(self, name))

        def changed(*_value: Any, name: str = name, widget: Any = widget) -> None:
            if self._connected.get(tag, {}).get(name) is widget:
                setattr(self, name, _read(widget))

        _onChange(widget, changed)

    def update(caller: Any, event: Any) -> None:
        for name, widget in self._connected.get(tag, {}).items():
            _write(widget, getattr(self, name))

    self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, update)
    return tag


def _disconnectGui(self: Any, tag: int | None) -> None:
    self._connected.pop(tag, None)


def _kind(widget: Any) -> str:
    return widget.widget.metaObject().className()


def _write(widget: Any, value: Any) -> None:
    if _kind(widget) == "qMRMLNodeComboBox":
        widget.setCurrentNode(value)
    else:
        setattr(widget, _VALUE_PROPERTY[_kind(widget)], value)


def _read(widget: Any) -> Any:
    return (
        widget.currentNode()
        if _kind(widget) == "qMRMLNodeComboBox"
        else getattr(widget, _VALUE_PROPERTY[_kind(widget)])
    )


def _onChange(widget: Any, callback: Callable) -> None:
    if _kind(widget) == "qMRMLNodeComboBox":
        widget.onNodeChanged(callback)
    else:
        getattr(widget.widget, _CHANGE_SIGNAL[_kind(widget)]).connect(callback)


_VALUE_PROPERTY = {
    "QCheckBox": "checked",
    "QSpinBox": "value",
    "QDoubleSpinBox": "value",
    "QLineEdit": "text",
}
_CHANGE_SIGNAL = {
    "QCheckBox": "toggled",
    "QSpinBox": "valueChanged",
    "QDoubleSpinBox": "valueChanged",
    "QLineEdit": "textChanged",
}
