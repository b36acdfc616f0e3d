"""slicer.app and the parts of slicer.modules and slicer.util that come with the application.

Layouts, slice views and their links are real: their nodes and logics need no Qt. What is missing is the drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import slicer
import vtk


class Application:
    """temporaryPath: a folder of the test's own. module: what the user has opened last."""

    applicationName = "Slicer"
    applicationVersion = "5.13.0"
    revision = "31053"

    def __init__(self, scene: slicer.vtkMRMLScene, temporaryPath: str) -> None:
        self.temporaryPath = temporaryPath
        self.module = ""
        self._clipboard = Clipboard()
        self._settings = Settings()
        self._layoutManager = LayoutManager(scene)
        self._onStartup: list[Callable[[], object]] = []
        slicer.util.selectModule = self._selectModule
        slicer.util.saveNode = saveNode

    def connect(self, signature: str, slot: Callable[[], object]) -> None:
        assert signature == "startupCompleted()"
        self._onStartup.append(slot)

    def completeStartup(self) -> None:
        for slot in self._onStartup:
            slot()

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self) -> None:
        pass

    def coreIOManager(self) -> IOManager:
        return IOManager()

    def clipboard(self) -> Clipboard:
        return self._clipboard

    def userSettings(self) -> Settings:
        return self._settings

    def layoutManager(self) -> LayoutManager:
        return self._layoutManager

    def applicationLogic(self) -> slicer.vtkMRMLApplicationLogic:
        return self._layoutManager.applicationLogic

    def _selectModule(self, module: str) -> None:
        self.module = module


def saveNode(node: slicer.vtkMRMLStorableNode, filename: str) -> bool:
    storage = node.CreateDefaultStorageNode()
    storage.SetFileName(filename)
    return bool(storage.WriteData(node))


class IOManager:
    """qSlicerCoreIOManager for volumes: the same logic reads them, with the name that qSlicerVolumesReader gives."""

    def loadNodes(
        self,
        fileType: str,
        properties: dict[str, Any],
        loaded: vtk.vtkCollection,
        messages: slicer.vtkMRMLMessageCollection,
    ) -> bool:
        assert fileType == "VolumeFile"
        path = Path(properties["fileName"])
        name = path.name.removesuffix(".gz").rpartition(".")[0]
        # Bits of vtkSlicerVolumesLogic::LoadingOptions
        options = 0x01 * properties.get("labelmap", False) | 0x08 * properties.get("singleFile", False)
        node = slicer.modules.volumes.logic().AddArchetypeVolume(str(path), name, options)
        if node:
            loaded.AddItem(node)
        return node is not None


class LayoutManager:
    """qSlicerLayoutManager without widgets: each slice view of the layout has a real vtkMRMLSliceLogic."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self.applicationLogic = slicer.vtkMRMLApplicationLogic()
        self.applicationLogic.SetMRMLScene(scene)
        self._sliceLogics = vtk.vtkCollection()
        self.applicationLogic.SetSliceLogics(self._sliceLogics)
        self._layoutLogic = slicer.vtkMRMLLayoutLogic()
        self._layoutLogic.SetMRMLScene(scene)
        self._observed = self._layoutLogic.GetLayoutNode()
        self._tag = self._observed.AddObserver(vtk.vtkCommand.ModifiedEvent, self._addSliceLogics)
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def close(self) -> None:
        """Let go of the scene: a callback that outlives the test would end the interpreter with a fault."""
        self._observed.RemoveObserver(self._tag)
        self._sliceLogics.RemoveAllItems()
        self._layoutLogic.SetMRMLScene(None)
        self.applicationLogic.SetMRMLScene(None)

    def layoutLogic(self) -> slicer.vtkMRMLLayoutLogic:
        return self._layoutLogic

    @property
    def layout(self) -> int:
        return self._layoutLogic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, layout: int) -> None:
        self._layoutLogic.GetLayoutNode().SetViewArrangement(layout)
        self._addSliceLogics()

    def sliceViewNames(self) -> tuple[str, ...]:
        views = self._layoutLogic.GetViewNodes()
        nodes = [views.GetItemAsObject(index) for index in range(views.GetNumberOfItems())]
        return tuple(node.GetLayoutName() for node in nodes if node.IsA("vtkMRMLSliceNode"))

    def sliceWidget(self, name: str) -> SimpleNamespace:
        logic = self.applicationLogic.GetSliceLogicByLayoutName(name)
        return SimpleNamespace(
            sliceLogic=lambda: logic,
            mrmlSliceNode=lambda: logic.GetSliceNode(),
            mrmlSliceCompositeNode=lambda: logic.GetSliceCompositeNode(),
        )

    def _addSliceLogics(self, caller: object = None, event: object = None) -> None:
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode", self._scene):
            if self.applicationLogic.GetSliceLogicByLayoutName(node.GetLayoutName()) is None:
                logic = slicer.vtkMRMLSliceLogic()
                logic.SetMRMLApplicationLogic(self.applicationLogic)
                logic.SetMRMLScene(self._scene)
                self._sliceLogics.AddItem(logic)
                logic.SetSliceNode(node)


class Settings:
    """QSettings, of this test alone."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def value(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def setValue(self, key: str, value: Any) -> None:
        self._values[key] = value

    def remove(self, key: str) -> None:
        self._values.pop(key, None)


class Clipboard:
    """QClipboard, of this test alone."""

    def __init__(self) -> None:
        self._text = ""

    def setText(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        return self._text
