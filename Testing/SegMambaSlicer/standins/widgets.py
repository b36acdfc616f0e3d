"""Stand-ins for the widgets of CTK and MRML, as real Qt widgets with the properties and signals that SegMamba uses.

PySide6 reads the module's .ui files with them, so that layouts, texts and names are tested as they are.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

if sys.version_info < (3, 12):
    # PySide6 6.12 is built for Pythons whose None is immortal: in older ones, each call that returns nothing takes
    # a reference of None away, and after some ten thousand Python ends with "deallocating None".
    ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtCore, QtWidgets

if sys.version_info < (3, 12):
    # PySide6 6.12 gives back a reference to None that it does not have with every call that returns None. Some ten
    # thousand calls later Python ends with "deallocating None"; from 3.12 on None cannot be lost.
    ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40


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
            self.setCurrentIndex(self._nodes.index(node) if node in self._nodes else 0)

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
    """ctkCollapsibleButton: a title, and children that are hidden while it is collapsed."""

    text = QtCore.Property(str, QtWidgets.QGroupBox.title, QtWidgets.QGroupBox.setTitle)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = False

    contentsCollapsed = QtCore.Signal(bool)

    def _isCollapsed(self) -> bool:
        return self._collapsed

    def _setCollapsed(self, collapsed: bool) -> None:
        changed, self._collapsed = collapsed != self._collapsed, collapsed
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.setVisible(not collapsed)
        if changed:
            self.contentsCollapsed.emit(collapsed)

    def showEvent(self, event: QtCore.QEvent) -> None:
        # The file sets the property before it makes the children.
        super().showEvent(event)
        if self._collapsed:
            self._setCollapsed(True)

    collapsed = QtCore.Property(bool, _isCollapsed, _setCollapsed, notify=contentsCollapsed)


class PathLineEdit(QtWidgets.QLineEdit):
    """ctkPathLineEdit: a path; here without the button that opens a file dialog."""

    currentPathChanged = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.textChanged.connect(self.currentPathChanged)

    currentPath = QtCore.Property(str, QtWidgets.QLineEdit.text, QtWidgets.QLineEdit.setText)


class SegmentsTableView(QtWidgets.QTableWidget):
    """qMRMLSegmentsTableView: the names of a segmentation's segments."""

    def setMRMLScene(self, scene: slicer.vtkMRMLScene) -> None:
        pass

    def setSegmentationNode(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        self._node = node
        identifiers = node.GetSegmentation().GetSegmentIDs() if node else ()
        self.setColumnCount(1)
        self.setHorizontalHeaderLabels(["Name"])
        self.setRowCount(len(identifiers))
        for row, identifier in enumerate(identifiers):
            name = node.GetSegmentation().GetSegment(identifier).GetName()
            self.setItem(row, 0, QtWidgets.QTableWidgetItem(name))

    def segmentationNode(self) -> slicer.vtkMRMLSegmentationNode | None:
        return self._node


# Under the names that the .ui files use. QUiLoader does not keep them alive, so this list has to.
UI_CLASSES = [
    type("qMRMLNodeComboBox", (NodeComboBox,), {}),
    type("qMRMLSegmentsTableView", (SegmentsTableView,), {}),
    type("ctkCollapsibleButton", (CollapsibleButton,), {}),
    type("ctkPathLineEdit", (PathLineEdit,), {}),
    type("qMRMLWidget", (QtWidgets.QWidget,), {}),
]
