"""A folder of patients: found, segmented one after the other beside Slicer, and what became of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from slicer.i18n import tr as _

from ..run.program import Program
from ..run.programRun import RunState
from ..run.runDetails import runDetails
from ..run.segmentCommand import RunChoices
from ..run.temporaryFolder import makeFolder, removeFolder
from .batchRow import BatchRow
from .batchRun import BatchRun, PatientSearch
from .earlierResults import earlierResults

PAGE_FILE = "index.html"


class Batch:
    """For the panel, which polls, and for scripts. It knows nothing of the scene, and survives its closing.

    rows: the patients by name. patients, output: the folders of the last search or run. run: the last one.
    errorMessage, details: of a run that failed as a whole.
    """

    def __init__(self, findProgram: Callable[[], Program], temporaryPath: Path) -> None:
        """findProgram: asked before each start. temporaryPath: for what the programs print."""
        self.rows: dict[str, BatchRow] = {}
        self.patients: Path | None = None
        self.output: Path | None = None
        self.run: BatchRun | None = None
        self.errorMessage = ""
        self.details = ""
        self._findProgram = findProgram
        self._temporaryPath = temporaryPath
        self._search: PatientSearch | None = None
        self._folder: Path | None = None

    @property
    def isSearching(self) -> bool:
        return self._search is not None

    @property
    def isRunning(self) -> bool:
        return self.run is not None and not self.run.state.isOver

    @property
    def pagePath(self) -> Path | None:
        """The page of the results, once there is one."""
        page = self.output / PAGE_FILE if self.output else None
        return page if page and page.is_file() else None

    def find(self, patients: Path, output: Path) -> None:
        """Look who is in a folder; then call `pollSearch` now and then. output: may hold results of an earlier batch.

        Raises ValueError for folders that do not do, RuntimeError when the program cannot be started.
        """
        self._checkFolders(patients, output)
        self.forget()
        self.patients, self.output = patients, output
        self._search = PatientSearch(self._findProgram(), patients, self._temporaryPath)

    def pollSearch(self) -> bool:
        """Return whether the search is over and `rows` hold who was found. Raises RuntimeError when nobody was."""
        assert self._search is not None and self.output is not None
        try:
            found = self._search.answer()
        except RuntimeError:
            self._search = None
            raise
        if found is None:
            return False
        self._search = None
        self.rows = {patient.case: BatchRow.of(patient) for patient in found}
        for case, event in earlierResults(self.output).items():
            if case in self.rows and not self.rows[case].needsAttention:
                self.rows[case] = self.rows[case].after(event)
        return True

    def forget(self) -> None:
        """Know of nobody: other folders were chosen. Nothing may be running."""
        self.patients = self.output = self.run = None
        self.rows = {}

    def start(self, choices: RunChoices) -> None:
        """Segment everybody who was found and is not finished; then call `poll` now and then.

        Raises ValueError when nobody was found, RuntimeError when the program cannot be started.
        """
        if self.patients is None or self.output is None or not self.rows or self.isSearching:
            raise ValueError(_("Find the patients first."))
        if self.isRunning:
            raise ValueError(_("A batch is running already."))
        self.errorMessage = self.details = ""
        self.run = None
        self._folder = makeFolder(self._temporaryPath)
        try:
            self.run = BatchRun(self._findProgram(), self.patients, self.output, choices, self._folder)
        except BaseException:
            self._removeFolder()
            raise

    def poll(self) -> RunState:
        """Take in what is new and return the run's state."""
        assert self.run is not None
        state = self.run.poll()
        for event in self.run.takeChanges():
            if event.case in self.rows:
                self.rows[event.case] = self.rows[event.case].after(event)
        if state.isOver and self._folder is not None:
            self._forgetWhoWasAtWork()
            if state is RunState.FAILED:
                self.errorMessage = self.run.errorMessage
                self.details = runDetails(self.errorMessage, self.run.command, self._folder)
            self._removeFolder()
        return state

    def cancel(self) -> None:
        """Ask the run to stop; `poll` goes on to CANCELLED. Who is finished stays so."""
        if self.run is not None:
            self.run.cancel()

    def stopNow(self) -> None:
        """End what is running before returning: for the moment when Slicer itself ends. The next run goes on."""
        if self._search is not None:
            self._search.stopNow()
            self._search = None
        if self.run is not None and self.isRunning:
            self.run.stopNow()
            self._removeFolder()

    def resultFolder(self, case: str) -> Path:
        """Return where a patient's results are, or will be."""
        assert self.output is not None
        return self.output / case

    def _checkFolders(self, patients: Path, output: Path) -> None:
        if self.isRunning or self.isSearching:
            raise ValueError(_("A batch is running already."))
        if not patients.is_dir():
            raise ValueError(_("There is no folder {folder}.").format(folder=patients))
        if output.resolve() == patients.resolve():
            raise ValueError(
                _("Choose another folder for the results, so that scans and results stay apart.")
            )

    def _forgetWhoWasAtWork(self) -> None:
        for case, row in self.rows.items():
            if row.status == "running":
                self.rows[case] = replace(row, status="waiting", volumesMl={}, remarks=())

    def _removeFolder(self) -> None:
        if self._folder is not None:
            removeFolder(self._folder)
            self._folder = None
