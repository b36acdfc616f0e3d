"""What the panel and scripts can do, without Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .batch.batch import Batch
from .batch.loadPatient import LoadedPatient, loadPatient
from .followUp.followUp import FollowUp
from .inputs.loadCase import loadCase
from .inputs.roleAssigner import Assignment, RoleAssigner, volumesInScene
from .inputs.roles import REFERENCE_ROLE, ROLES, missingRoles
from .measures.tumorMeasures import TumorMeasures
from .models.missingContrasts import questionAboutMissing
from .models.modelFiles import modelFiles, modelNetwork
from .packages.packages import Packages
from .parameterNode import SegMambaParameterNode
from .result.largestCrossSection import jumpToLargestCrossSection
from .result.nestedSegments import NestedSegments
from .result.runHistory import RunHistory
from .result.terminology import loadTerminology
from .run.devices import DeviceQuery, Devices
from .run.program import findProgram
from .run.programRun import RunState
from .run.progressText import progressText
from .run.quality import DEFAULT_QUALITY
from .run.runTimes import ExpectedTime, RunTimes, expectedTime
from .run.segmentationJob import SegmentationJob
from .run.segmentCommand import RunChoices
from .run.temporaryFolder import makeFolder, removeFolder

SECONDS_BETWEEN_POLLS = 0.1


class SegMambaLogic(ScriptedLoadableModuleLogic):
    """Segmentation for the panel, which polls, and for scripts, which wait in `segment`.

    followUp: comparison of several scans of one patient.
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.job: SegmentationJob | None = None
        self.followUp = FollowUp()
        self.roles = RoleAssigner()
        self._checkFolder: Path | None = None
        self._history = RunHistory()
        self._nestedSegments = NestedSegments(self._history)
        self._times = RunTimes(slicer.app.userSettings())
        self.packages = Packages(Path(slicer.app.temporaryPath))
        self.batch = Batch(lambda: findProgram(), self._temporaryPath())
        loadTerminology()

    def getParameterNode(self) -> SegMambaParameterNode:
        """Return the panel's choices."""
        return SegMambaParameterNode(super().getParameterNode())  # type: ignore[call-arg]

    def fillRoles(self) -> None:
        """Give the scene's volumes the roles that names and DICOM headers tell; what the user chose stays."""
        node = self.getParameterNode()
        chosen = {role: getattr(node, role) for role in ROLES}
        self._setRoles(self.roles.assign(chosen, volumesInScene()))

    def loadCase(self, paths: Sequence[Path], onProgress: Callable[[str], None] = lambda text: None) -> None:
        """Load a patient's folder or some files and give them their roles; arguments and errors as `loadCase`.

        A folder is a case: its volumes alone have roles afterwards, and the next result goes into a segmentation
        of its own. Files take the roles that they are known for.
        """
        volumes = loadCase(paths, onProgress)
        assignments = self.roles.assignAll(volumes)
        isWholeCase = any(path.is_dir() for path in paths)
        node = self.getParameterNode()
        with slicer.util.NodeModify(node):
            if isWholeCase:
                node.segmentation = None  # that of the patient before
            self._setRoles(
                {role: made for role, made in assignments.items() if isWholeCase or made.volume is not None}
            )

    def models(self) -> list[str]:
        """Return the names of the installed models; the first is the default."""
        return [path.stem for path in modelFiles()]

    def questionAboutMissing(
        self, volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None], model: str
    ) -> str | None:
        """Return what to ask before a run where some of the four contrasts have no volume; None where all have."""
        return questionAboutMissing(missingRoles(volumes), model)

    def segment(
        self,
        volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        segmentation: slicer.vtkMRMLSegmentationNode | None = None,
        model: str = "",
        quality: str = DEFAULT_QUALITY,
        device: str = "auto",
        skipPreparation: bool = False,
        onProgress: Callable[[str], None] | None = None,
    ) -> slicer.vtkMRMLSegmentationNode:
        """Segment and wait for the result; for scripts.

        volumes: nodes by role, two at least of "t1n", "t1c", "t2w" and "t2f"; segmentation: where the result goes,
        None for a new node; model: a name of `models`, "" for the default; quality: "fast", "standard" or "best";
        device: "auto", "cpu", "cuda:0" or "mps"; skipPreparation: take the volumes as they are, do not register them to
        each other nor remove the skull; onProgress: gets a line of text ten times a second.
        Raises ValueError for inputs that do not do, RuntimeError when the run fails.
        """
        if problem := self.packages.problem():
            raise RuntimeError(problem)
        self.start(volumes, segmentation, RunChoices(model, quality, device, skipPreparation))
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
        volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
        segmentation: slicer.vtkMRMLSegmentationNode | None,
        choices: RunChoices,
    ) -> None:
        """Start a run; arguments and errors as `segment`. Then call `poll` now and then."""
        if self.isRunning:
            raise RuntimeError(_("A segmentation is running already."))
        self.job = SegmentationJob(
            volumes, segmentation, choices, findProgram(), self._history, self._temporaryPath()
        )

    @property
    def isRunning(self) -> bool:
        """Whether a run has been started and is not over."""
        return self.job is not None and not self.job.state.isOver

    def poll(self) -> RunState:
        """Look how the run is getting on; the call that sees its success imports the segments and shows them."""
        assert self.job is not None
        wasRunning = self.isRunning
        state = self.job.poll()
        if wasRunning and state is RunState.SUCCEEDED:
            self._times.record(self.job.choices.model, self.job.report)
            self._nestedSegments.remember(self.job.segmentation)
            with suppress(ValueError):  # the user has put the volume under a warp meanwhile
                jumpToLargestCrossSection(self.job.segmentation)
        elif state is RunState.FAILED:
            self.packages.runFailed(self.job.errorMessage)
        return state

    @property
    def hasCheckPage(self) -> bool:
        """Whether there is a picture of the last run's input."""
        return self.job is not None and bool(self.job.checkPage)

    def writeCheckPage(self) -> Path | None:
        """Write the picture of the last run's input and return where it is; None before the first run.

        It goes away with `removeCheckPage`, and a day later at the latest.
        """
        if self.job is None or not self.hasCheckPage:
            return None
        if self._checkFolder is None:
            self._checkFolder = makeFolder(self._temporaryPath())
        path = self._checkFolder / "check.png"
        path.write_bytes(self.job.checkPage)
        return path

    def removeCheckPage(self) -> None:
        """Remove what `writeCheckPage` wrote: a picture of a patient."""
        if self._checkFolder is not None:
            removeFolder(self._checkFolder)
            self._checkFolder = None

    def measure(
        self,
        segmentation: slicer.vtkMRMLSegmentationNode,
        volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode | None],
    ) -> TumorMeasures:
        """Return the figures of WT, TC and ET and of the enhancing lesions; lines for the lesions come to the scene.

        volumes: by role, for the mean intensities and to tell left from right.
        Raises ValueError for a segmentation under a non-linear or shearing transform.
        """
        measures = TumorMeasures()
        measures.update(segmentation, volumes)
        return measures

    def cancel(self) -> None:
        """Ask a run to stop, if there is one; `poll` tells when it has."""
        if self.job is not None and self.isRunning:
            self.job.cancel()

    def stopNow(self) -> None:
        """End a run before returning, if there is one."""
        if self.job is not None and self.isRunning:
            self.job.stopNow()

    def loadPatient(self, case: str) -> LoadedPatient:
        """Load a patient whom the batch has finished into the scene, and show the tumor where it is largest.

        Raises ValueError for one who is not finished, ValueError or RuntimeError when a file cannot be read.
        """
        row = self.batch.rows.get(case)
        if row is None or row.status != "done":
            raise ValueError(_("{case} has no results yet.").format(case=case))
        loaded = loadPatient(case, row.sources, self.batch.resultFolder(case), row.seriesUids)
        self._nestedSegments.remember(loaded.segmentation)
        slicer.util.setSliceViewerLayers(background=loaded.volumes[REFERENCE_ROLE])
        jumpToLargestCrossSection(loaded.segmentation)
        return loaded

    def askForDevices(self) -> DeviceQuery:
        """Ask what the network can run on; the answer comes within seconds. Raises RuntimeError if it can't."""
        return DeviceQuery(findProgram(), self._temporaryPath())

    def expectedTime(self, choices: RunChoices, devices: Devices) -> ExpectedTime | None:
        """Return how long a run will take, None where nothing is known. devices: from `askForDevices`."""
        path = next((path for path in modelFiles() if choices.model in ("", path.stem)), None)
        return expectedTime(choices, modelNetwork(path) if path else None, devices, self._times)

    @property
    def canUndo(self) -> bool:
        """Whether the last run into an existing segmentation, or the last nesting, can be taken back."""
        return self._history.canUndo()

    @property
    def undoTitle(self) -> str:
        """What `undo` would be called, "" where there is nothing to take back."""
        return self._history.nextTitle()

    def undo(self) -> None:
        """Take back the last run into a segmentation, or the last nesting, and the edits since. Needs `canUndo`."""
        segmentation = self._history.undo()
        segmentation.CreateClosedSurfaceRepresentation()  # an edit may have made the saved one void
        self._nestedSegments.remember(segmentation)

    def makeNested(self, segmentation: slicer.vtkMRMLSegmentationNode) -> dict[str, int]:
        """Make ET lie in TC and TC in WT; return the change in voxels by region. `undo` takes it back.

        Where WT or TC was erased since the run, what lay inside goes too; where TC or ET was painted, what is around
        grows. Raises ValueError for a segmentation without the three regions or without its volume.
        """
        return self._nestedSegments.makeNested(segmentation)

    def _temporaryPath(self) -> Path:
        return Path(slicer.app.temporaryPath)

    def _setRoles(self, assignments: dict[str, Assignment]) -> None:
        node = self.getParameterNode()
        with slicer.util.NodeModify(node):
            for role, assignment in assignments.items():
                setattr(node, role, assignment.volume)
