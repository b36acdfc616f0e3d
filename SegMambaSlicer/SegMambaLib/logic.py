"""What the panel and scripts can do, without Qt."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .models.modelFiles import modelFiles
from .parameterNode import SegMambaParameterNode
from .result.runHistory import RunHistory
from .result.terminology import loadTerminology
from .run.program import findProgram
from .run.progressText import progressText
from .run.segmentationJob import SegmentationJob
from .run.segmentationRun import RunState

SECONDS_BETWEEN_POLLS = 0.1


class SegMambaLogic(ScriptedLoadableModuleLogic):
    """Segmentation for the panel, which polls, and for scripts, which wait in `segment`."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.job: SegmentationJob | None = None
        self._history = RunHistory()
        loadTerminology()

    def getParameterNode(self) -> SegMambaParameterNode:
        """Return the panel's choices."""
        return SegMambaParameterNode(super().getParameterNode())  # type: ignore[call-arg]

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
        assert self.job is not None
        try:
            while not self.poll().isOver:
                if onProgress:
                    onProgress(progressText(self.job.run.phase, self.job.run.progress))
                time.sleep(SECONDS_BETWEEN_POLLS)
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
        """Look how the run is getting on; the call that sees its success imports the segments."""
        assert self.job is not None
        return self.job.poll()

    def cancel(self) -> None:
        """Ask a run to stop, if there is one; `poll` tells when it has."""
        if self.job is not None and self.isRunning:
            self.job.cancel()

    def stopNow(self) -> None:
        """End a run before returning, if there is one."""
        if self.job is not None and self.isRunning:
            self.job.stopNow()

    @property
    def canUndo(self) -> bool:
        """Whether the last run into an existing segmentation can be taken back."""
        return self._history.canUndo()

    def undo(self) -> None:
        """Take back the last run into an existing segmentation and the edits since. Needs `canUndo`."""
        self._history.undo()
