"""The SegMamba module of 3D Slicer. This file lists it and stacks the panel; the rest is in SegMambaLib."""

import sys
from pathlib import Path

import slicer
import vtk
from SegMambaLib.logic import SegMambaLogic
from SegMambaLib.panel.batchSection import BatchSection
from SegMambaLib.panel.errorBox import ErrorBox
from SegMambaLib.panel.followUpSection import FollowUpSection
from SegMambaLib.panel.inputsSection import InputsSection
from SegMambaLib.panel.measuresSection import MeasuresSection
from SegMambaLib.panel.modelsSection import ModelsSection
from SegMambaLib.panel.packagesFlow import PackagesFlow
from SegMambaLib.panel.resultSection import ResultSection
from SegMambaLib.panel.runSection import RunSection
from SegMambaLib.panel.section import Section
from SegMambaLib.panel.segmentWatcher import SegmentWatcher
from SegMambaLib.parameterNode import SegMambaParameterNode
from SegMambaLib.sampleData import registerSampleData
from SegMambaLib.selfTest import SegMambaTest
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

__all__ = ["SegMamba", "SegMambaLogic", "SegMambaParameterNode", "SegMambaTest", "SegMambaWidget"]

SECTIONS = (
    InputsSection,
    RunSection,
    ResultSection,
    MeasuresSection,
    FollowUpSection,
    BatchSection,
    ModelsSection,
)
"""From top to bottom."""


class SegMamba(ScriptedLoadableModule):
    """What Slicer lists."""

    def __init__(self, parent: object) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("SegMamba")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations", "SubjectHierarchy", "Terminologies", "Volumes"]
        self.parent.contributors = ["The SegMamba for 3D Slicer contributors"]
        self.parent.helpText = _(
            "<p>Segments a brain tumor from four MRI volumes, T1, T1Gd, T2 and T2-FLAIR, into three overlapping "
            "segments: whole tumor (WT), tumor core (TC) and enhancing tumor (ET). The volumes may have "
            "different grids, with or without the skull, and the patient may have moved between them: what they "
            "need is done first.</p>"
            "<p><b>Steps:</b> load the four volumes (for a trial: File &gt; Download Sample Data &gt; "
            "SegMambaSample, made without a network), check which volume is which, click Segment tumor, check "
            "every slice, correct the regions in Segment Editor.</p>"
            "<p>For research only, not a medical device. The models know gliomas of adults before surgery: other "
            "tumors, children and treated tumors may be segmented wrongly.</p>"
        )
        self.parent.acknowledgementText = _(
            "The network follows SegMamba (Xing et al., MICCAI 2024, "
            '<a href="https://arxiv.org/abs/2401.13560">arXiv:2401.13560</a>). Please cite that paper. The shipped '
            "weights were trained on cases of the BraTS challenges (Menze et al. 2015, Bakas et al. 2017, "
            "Baid et al. 2021)."
        )
        slicer.app.connect("startupCompleted()", self._registerSampleData)

    def _registerSampleData(self) -> None:
        registerSampleData(Path(__file__).parent / "Resources" / "Icons" / "SegMamba.png")


class SegMambaWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: sections below each other, and what they share."""

    def __init__(self, parent: object = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.parameterNode: SegMambaParameterNode | None = None
        self.sections: list[Section] = []
        self._watcher = SegmentWatcher(self.onSegmentsEdited)

    def setup(self) -> None:
        """Build the panel; nothing is installed, started or asked here."""
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = SegMambaLogic()
        self.packages = PackagesFlow(self)
        self._errorBox = ErrorBox(self.resourcePath("UI/ErrorBox.ui"))
        self.sections = [section(self) for section in SECTIONS]
        for section in self.sections:
            self.layout.addWidget(section.widget)
        self.layout.addWidget(self._errorBox.widget)
        self.layout.addStretch(1)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.setParameterNode(self.logic.getParameterNode())

    def cleanup(self) -> None:
        """The module is unloaded, with Slicer or without."""
        self.setParameterNode(None)
        self._watcher.watch(None)
        for section in self.sections:
            section.cleanup()
        self.packages.cleanup()
        self.removeObservers()

    def enter(self) -> None:
        """The user opens the module."""
        self.setParameterNode(self.logic.getParameterNode())
        for section in self.sections:
            section.enter()

    def exit(self) -> None:
        """The user opens another module. A run goes on."""
        self.setParameterNode(None)

    def onReload(self) -> None:
        """Reload the library with the module's file: Slicer knows of the file alone."""
        for name in [name for name in sys.modules if name.split(".")[0] == "SegMambaLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller: object, event: object) -> None:
        """The volumes go away, and the run with them."""
        self.logic.cancel()
        self.logic.roles.forget()
        self.logic.followUp.cancel()
        self._watcher.watch(None)
        self.setParameterNode(None)

    def onSceneEndClose(self, caller: object, event: object) -> None:
        """An open panel needs a new parameter node at once."""
        if self.parent.isEntered:
            self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode: SegMambaParameterNode | None) -> None:
        """Show the choices of this node, or stop following any."""
        if self.parameterNode:
            self.removeObserver(self.parameterNode, vtk.vtkCommand.ModifiedEvent, self.refresh)
        self.parameterNode = parameterNode
        for section in self.sections:
            section.setParameterNode(parameterNode)
        if self.parameterNode:
            self.addObserver(self.parameterNode, vtk.vtkCommand.ModifiedEvent, self.refresh)
        self.refresh()

    def refresh(self, caller: object = None, event: object = None) -> None:
        """Let every section show how things stand."""
        # Edits are followed while the user is in Segment Editor too: they do not end with the panel in view.
        if self.parameterNode:
            self._watchSegmentation()
        for section in self.sections:
            section.update()

    def onSegmentsEdited(self) -> None:
        """A brush stroke ended, a segment came or went, or another segmentation was chosen."""
        for section in self.sections:
            section.segmentsEdited()

    def showError(self, message: str, details: str = "", section: Section | None = None) -> None:
        """Show an error below a section, where the user has just clicked; "" takes it away."""
        if section is not None:
            self.layout.removeWidget(self._errorBox.widget)
            self.layout.insertWidget(self.layout.indexOf(section.widget) + 1, self._errorBox.widget)
        self._errorBox.show(message, details)

    def _watchSegmentation(self) -> None:
        if self._watcher.watch(self.parameterNode.segmentation):
            self.onSegmentsEdited()
