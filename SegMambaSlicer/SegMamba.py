"""The SegMamba module of 3D Slicer: a panel, the logic behind it, and a test that runs within Slicer.

Everything that is not the panel is in SegMambaLib.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import qt
import slicer
import vtk
from SegMambaLib.dependencies import ensureDependencies
from SegMambaLib.exportVolumes import ROLES, exportVolumes, worldAffine
from SegMambaLib.importSegments import REGIONS, importSegments
from SegMambaLib.inputCheck import problemWithInputs
from SegMambaLib.models import modelFiles
from SegMambaLib.program import findProgram
from SegMambaLib.progressText import progressText, resultText
from SegMambaLib.runHistory import RunHistory
from SegMambaLib.segmentationJob import SegmentationJob
from SegMambaLib.segmentationRun import RunState
from SegMambaLib.terminology import loadTerminology
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

POLL_INTERVAL_MS = 100


class SegMamba(ScriptedLoadableModule):
    """What Slicer lists."""

    def __init__(self, parent: object) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("SegMamba")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations", "SubjectHierarchy", "Terminologies", "Volumes"]
        self.parent.contributors = ["The SegMamba for 3D Slicer contributors"]
        self.parent.helpText = _(
            "Segments a brain tumor from four MRI volumes, T1, T1Gd, T2 and T2-FLAIR, into three "
            "overlapping segments: whole tumor (WT), tumor core (TC) and enhancing tumor (ET). The volumes "
            "may have different grids. The models know gliomas of adults before surgery. For research only, "
            "not a medical device."
        )
        self.parent.acknowledgementText = _(
            "The network follows SegMamba (Xing et al., MICCAI 2024, arXiv:2401.13560)."
        )


@parameterNodeWrapper
class SegMambaParameterNode:
    """The panel's choices, which a saved scene keeps."""

    t1n: slicer.vtkMRMLScalarVolumeNode
    t1c: slicer.vtkMRMLScalarVolumeNode
    t2w: slicer.vtkMRMLScalarVolumeNode
    t2f: slicer.vtkMRMLScalarVolumeNode
    segmentation: slicer.vtkMRMLSegmentationNode
    model: str = ""


class SegMambaWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent: object = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: SegMambaLogic | None = None
        self._parameterNode: SegMambaParameterNode | None = None
        self._parameterNodeGuiTag: object = None
        self._timer: qt.QTimer | None = None

    def setup(self) -> None:
        """Build the panel; nothing is installed, started or asked here."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/SegMamba.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)

        self.logic = SegMambaLogic()
        for model in self.logic.models():
            self.ui.modelSelector.addItem(model)
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self.onTimer)

        self.ui.modelSelector.connect("currentTextChanged(QString)", self.onModelChanged)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegmentButton)
        self.ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self._showError("")
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """The module is unloaded, with Slicer or without."""
        self._timer.stop()
        self.logic.stopNow()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """The user opens the module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """The user opens another module. A run goes on."""
        self.setParameterNode(None)

    def onSceneStartClose(self, caller: object, event: object) -> None:
        """The volumes go away, and the run with them."""
        self.logic.cancel()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller: object, event: object) -> None:
        """An open panel needs a new parameter node at once."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Connect the panel with the scene's parameter node."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode: SegMambaParameterNode | None) -> None:
        """Show the choices of this node, or stop following any."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._updatePanel)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._updatePanel)
            self._selectModel()
        self._updatePanel()

    def onModelChanged(self, model: str) -> None:
        """The list of models depends on the installation: the parameter node can't connect it by itself."""
        if self._parameterNode:
            self._parameterNode.model = model

    def onSegmentButton(self, _checked: bool = False) -> None:
        """Start a run, or cancel the one that is going on."""
        if self.logic.isRunning:
            self.logic.cancel()
        else:
            self._start()
        self._updatePanel()

    def onUndoButton(self, _checked: bool = False) -> None:
        """Give the segmentation back as it was before the last run."""
        self.logic.undo()
        self._updatePanel()

    def onTimer(self) -> None:
        """Look how the run is getting on."""
        try:
            state = self.logic.poll()
        except Exception:
            self._timer.stop()
            self._updatePanel()
            raise
        if state.isOver:
            self._timer.stop()
            self._showEnd(state)
        self._updatePanel()

    def _start(self) -> None:
        self._showError("")
        self.ui.statusLabel.text = ""
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
            try:
                ensureDependencies()
                self.logic.start(self._volumes(), self._parameterNode.segmentation, self._parameterNode.model)
            except (ValueError, RuntimeError) as error:
                self._showError(str(error))
                return
        self._timer.start()

    def _showEnd(self, state: RunState) -> None:
        job = self.logic.job
        if state is RunState.FAILED:
            self.ui.statusLabel.text = ""
            self._showError(job.errorMessage)
        elif state is RunState.CANCELLED:
            self.ui.statusLabel.text = _("Cancelled. Nothing was changed.")
        else:
            self.ui.statusLabel.text = "\n".join([resultText(job.run.result), *job.run.warnings])
            # The next run goes into the same segmentation unless the user chooses otherwise.
            self.logic.getParameterNode().segmentation = job.segmentation

    def _updatePanel(self, caller: object = None, event: object = None) -> None:
        running = self.logic.isRunning
        self.ui.inputsCollapsibleButton.enabled = not running
        self.ui.outputsCollapsibleButton.enabled = not running
        self.ui.progressBar.visible = running
        self.ui.undoButton.enabled = not running and self.logic.canUndo
        if running:
            self._showProgress()
        else:
            self._checkCanApply()

    def _showProgress(self) -> None:
        job = self.logic.job
        cancelling = job.state is RunState.CANCELLING
        progress = job.run.progress
        self.ui.segmentButton.text = _("Cancel")
        self.ui.segmentButton.enabled = not cancelling
        self.ui.segmentButton.toolTip = _("Stop the segmentation. Nothing will be changed.")
        self.ui.statusLabel.text = _("Cancelling") if cancelling else progressText(job.run.phase, progress)
        # Maximum 0 is Qt's bar without an end: something is being done, and nobody knows for how long.
        self.ui.progressBar.maximum = progress.total if progress else 0
        self.ui.progressBar.value = progress.done if progress else 0

    def _checkCanApply(self) -> None:
        problem = self._problem()
        self.ui.segmentButton.text = _("Segment tumor")
        self.ui.segmentButton.enabled = problem is None
        self.ui.segmentButton.toolTip = problem or _("Segment the tumor in the four volumes.")

    def _problem(self) -> str | None:
        if self._parameterNode is None:
            return _("No scene is open.")
        if self.ui.modelSelector.count == 0:
            return _("No model is installed. Install the extension again.")
        return problemWithInputs(self._volumes(), self._parameterNode.segmentation)

    def _volumes(self) -> dict[str, slicer.vtkMRMLScalarVolumeNode | None]:
        return {role: getattr(self._parameterNode, role) for role in ROLES}

    def _selectModel(self) -> None:
        # A scene from another computer may name a model that this one lacks.
        index = max(self.ui.modelSelector.findText(self._parameterNode.model), 0)
        self.ui.modelSelector.currentIndex = index
        self._parameterNode.model = self.ui.modelSelector.currentText

    def _showError(self, message: str) -> None:
        self.ui.errorLabel.text = message
        self.ui.errorLabel.visible = bool(message)


class SegMambaLogic(ScriptedLoadableModuleLogic):
    """Segmentation for the panel, which polls, and for scripts, which wait in `segment`. Knows no Qt."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.job: SegmentationJob | None = None
        self._history = RunHistory()
        loadTerminology()

    def getParameterNode(self) -> SegMambaParameterNode:
        """Return the panel's choices."""
        return SegMambaParameterNode(super().getParameterNode())

    def models(self) -> list[str]:
        """Return the names of the installed models; the first is the default."""
        return [path.stem for path in modelFiles()]

    def segment(
        self,
        volumes: dict[str, slicer.vtkMRMLScalarVolumeNode],
        segmentation: slicer.vtkMRMLSegmentationNode | None = None,
        model: str = "",
        onProgress: Callable[[str], None] | None = None,
    ) -> slicer.vtkMRMLSegmentationNode:
        """Segment and wait for the result; for scripts.

        volumes: nodes by role, "t1n", "t1c", "t2w" and "t2f"; segmentation: where the result goes, None for a
        new node; onProgress: gets a line of text ten times a second.
        Raises ValueError for inputs that do not do, RuntimeError when the run fails.
        """
        self.start(volumes, segmentation, model)
        try:
            while not self.poll().isOver:
                if onProgress:
                    onProgress(progressText(self.job.run.phase, self.job.run.progress))
                time.sleep(POLL_INTERVAL_MS / 1000)
        finally:
            self.stopNow()
        if self.job.state is RunState.FAILED:
            raise RuntimeError(self.job.errorMessage)
        return self.job.segmentation

    def start(
        self,
        volumes: dict[str, slicer.vtkMRMLScalarVolumeNode],
        segmentation: slicer.vtkMRMLSegmentationNode | None,
        model: str,
    ) -> None:
        """Start a run; arguments and errors as `segment`. Then call `poll` now and then."""
        if self.isRunning:
            raise RuntimeError(_("A segmentation is running already."))
        temporaryPath = Path(slicer.app.temporaryPath)
        self.job = SegmentationJob(volumes, segmentation, model, findProgram(), self._history, temporaryPath)

    @property
    def isRunning(self) -> bool:
        """Whether a run has been started and is not over."""
        return self.job is not None and not self.job.state.isOver

    def poll(self) -> RunState:
        """Return the run's state; the segments are in the scene when it has become SUCCEEDED."""
        return self.job.poll()

    def cancel(self) -> None:
        """Ask a run to stop, if there is one; `poll` tells when it has."""
        if self.isRunning:
            self.job.cancel()

    def stopNow(self) -> None:
        """End a run before returning, if there is one."""
        if self.isRunning:
            self.job.stopNow()

    @property
    def canUndo(self) -> bool:
        """Whether the last run into an existing segmentation can be taken back."""
        return self._history.canUndo()

    def undo(self) -> None:
        """Take back the last run into an existing segmentation and the edits since. Needs `canUndo`."""
        self._history.undo()


class SegMambaTest(ScriptedLoadableModuleTest):
    """What can be checked within Slicer in a second, without weights and further Python packages."""

    def setUp(self) -> None:
        """Start from an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run all."""
        self.setUp()
        self.test_segmentsReturnToTheVolumeUnderATransform()

    def test_segmentsReturnToTheVolumeUnderATransform(self) -> None:
        """Export a turned and moved volume, then import segments that lie on the exported file's grid."""
        volumes = {role: self._addVolume(role) for role in ROLES}
        self.assertIsNone(problemWithInputs(volumes, None))
        reference = volumes["t1c"]
        temporaryPath = Path(slicer.util.tempDirectory())
        files = exportVolumes(volumes, temporaryPath)
        self.assertTrue(all(path.stat().st_size > 0 for path in files.values()))

        masks = {region: np.zeros((4, 5, 6), np.uint8) for region in REGIONS}
        for depth, mask in enumerate(masks.values()):
            mask[1:3, 1:4, 1 + depth : 5] = 1
        path = temporaryPath / "segments.seg.nrrd"
        self._writeSegments(masks, worldAffine(reference), path)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        importSegments(path, segmentation, reference, worldAffine(reference))

        for region, mask in masks.items():
            found = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, region, reference)
            np.testing.assert_array_equal(found, mask)

    def _addVolume(self, name: str) -> slicer.vtkMRMLScalarVolumeNode:
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        turned = np.array([[0.8, -0.6, 0, 30], [0.6, 0.8, 0, -5], [0, 0, 1, 12], [0, 0, 0, 1.0]])
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turned))
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        slicer.util.updateVolumeFromArray(volume, np.arange(120, dtype=np.int16).reshape(4, 5, 6))
        affine = np.array([[0, -1.5, 0, 7], [1, 0, 0, -8], [0, 0, 2, 9], [0, 0, 0, 1.0]])
        volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
        volume.SetAndObserveTransformNodeID(transform.GetID())
        return volume

    def _writeSegments(self, masks: dict[str, np.ndarray], affine: np.ndarray, path: Path) -> None:
        grid = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        slicer.util.updateVolumeFromArray(grid, np.zeros((4, 5, 6), np.uint8))
        grid.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        node.SetReferenceImageGeometryParameterFromVolumeNode(grid)
        for region, mask in masks.items():
            node.GetSegmentation().AddEmptySegment(region, region)
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, region, grid)
        storage = slicer.vtkMRMLSegmentationStorageNode()
        storage.SetFileName(str(path))
        self.assertTrue(storage.WriteData(node))
