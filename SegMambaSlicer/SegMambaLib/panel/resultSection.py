"""What can be done with the segments: look at them, correct them, take them back."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

from ..inputs.roles import ROLES
from ..result.contrastLayout import ContrastLayout
from ..result.largestCrossSection import jumpToLargestCrossSection
from ..result.nesting import regionsOutside
from ..result.regionMasks import hasRegions, regionMasks
from ..result.regions import REGIONS
from ..result.segmentEditor import prepareSegmentEditor
from .section import Panel, Section


class ResultSection(Section):
    """Buttons for the segmentation that is chosen as the run's target, which is the last run's result."""

    uiFile = "Result.ui"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._layout = ContrastLayout()
        self._note = ""
        self.ui.editButton.connect("clicked(bool)", self.onEditButton)
        self.ui.nestButton.connect("clicked(bool)", self.onNestButton)
        self.ui.jumpButton.connect("clicked(bool)", self.onJumpButton)
        self.ui.contrastsButton.connect("clicked(bool)", self.onContrastsButton)
        self.ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        self.segmentsEdited()

    def segmentsEdited(self) -> None:
        self.ui.resultLabel.text = " ".join(filter(None, [self._note, self._nestingText()]))
        self._note = ""

    def update(self) -> None:
        logic, segmentation = self.panel.logic, self._segmentation()
        usable = not logic.isRunning and hasRegions(segmentation)
        for button in (self.ui.editButton, self.ui.nestButton, self.ui.jumpButton):
            button.enabled = usable
        self.ui.contrastsButton.enabled = any(self._volumes().values())
        self.ui.contrastsButton.text = (
            _("Back to the former layout") if self._layout.isShown else _("Four contrasts side by side")
        )
        self.ui.undoButton.enabled = not logic.isRunning and logic.canUndo
        self.ui.undoButton.text = logic.undoTitle or _("Undo")

    def onEditButton(self, _checked: bool = False) -> None:
        """Open Segment Editor with the segmentation and its volume."""
        if self._do(prepareSegmentEditor):
            slicer.util.selectModule("SegmentEditor")

    def onNestButton(self, _checked: bool = False) -> None:
        """Make the regions nest, and say what has changed."""
        self._do(self._nest)
        self.segmentsEdited()
        self.panel.refresh()

    def onJumpButton(self, _checked: bool = False) -> None:
        """Move the slice views."""
        self._do(jumpToLargestCrossSection)

    def onContrastsButton(self, _checked: bool = False) -> None:
        """Show the four contrasts, or the former layout."""
        if self._layout.isShown:
            self._layout.restore()
        else:
            segmentation = self._segmentation()
            self._layout.show(self._volumes(), segmentation)
            if hasRegions(segmentation):
                self._do(jumpToLargestCrossSection)
        self.panel.refresh()

    def onUndoButton(self, _checked: bool = False) -> None:
        """Give the segmentation back as it was before the last run or the last nesting."""
        self.panel.logic.undo()
        self.panel.refresh()

    def _do(self, action: Callable[[slicer.vtkMRMLSegmentationNode], object]) -> bool:
        """Apply an action to the segmentation; whether it could be done. What it raises is said below."""
        self.showError("")
        try:
            action(self._segmentation())
        except (ValueError, RuntimeError) as error:
            self.showError(str(error))
            return False
        return True

    def _nest(self, segmentation: slicer.vtkMRMLSegmentationNode) -> None:
        changes = self.panel.logic.makeNested(segmentation)
        changed = ", ".join(f"{region} {changes[region]:+d}" for region in REGIONS if changes[region])
        self._note = _("Made to nest (voxels: {changes}).").format(changes=changed) if changed else ""

    def _nestingText(self) -> str:
        segmentation = self._segmentation()
        if segmentation is None or not hasRegions(segmentation):
            return _("The regions appear here after a run.")
        try:
            outside = regionsOutside(regionMasks(segmentation))
        except ValueError as problem:
            return str(problem)
        if not outside:
            return _("ET lies in TC, and TC in WT.")
        pairs = [
            _("{inner} reaches outside {outer}").format(inner=inner, outer=outer) for outer, inner in outside
        ]
        return _("{problems}. Make regions nest mends it.").format(problems=", ".join(pairs))

    def _segmentation(self) -> slicer.vtkMRMLSegmentationNode | None:
        node = self.panel.parameterNode
        return node.segmentation if node else None

    def _volumes(self) -> dict[str, slicer.vtkMRMLScalarVolumeNode | None]:
        node = self.panel.parameterNode
        return {role: getattr(node, role) if node else None for role in ROLES}
