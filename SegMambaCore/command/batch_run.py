"""A batch at work: who is finished already is left alone, everybody else is segmented in turn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from SegMambaCore.batch.finished import Recipe, finished_run
from SegMambaCore.batch.page import PAGE_FILE
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.batch.record import BatchRecord
from SegMambaCore.batch.summary import SUMMARY_FILE
from SegMambaCore.case.read_case import read_case
from SegMambaCore.command.batch_progress import BatchProgress, BatchResult, PatientProgress, TimeLeft
from SegMambaCore.command.choices import Choices
from SegMambaCore.command.dicom_output import dicom_output_is_due
from SegMambaCore.command.failure import reason_of
from SegMambaCore.command.make_ready import ReadyStudy, make_ready
from SegMambaCore.command.output_folder import remove_leftovers
from SegMambaCore.command.progress import NoProgress
from SegMambaCore.command.read_ahead import read_ahead
from SegMambaCore.command.segment_case import (
    OUTPUT_FILES,
    LoadedModel,
    load_model,
    model_sha256,
    segment_case,
)
from SegMambaCore.command.steps import Steps
from SegMambaCore.errors import CancelledError, DiskFullError, SegMambaError
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.report.read_report import read_report


class BatchRun:
    """One run over the patients that were found. Nobody else may be writing into the output folder."""

    def __init__(
        self,
        patients: Sequence[FoundPatient],
        model_path: Path,
        choices: Choices,
        output: Path,
        progress: BatchProgress,
        is_cancelled: Callable[[], bool],
    ) -> None:
        """model_path: the model that `choices` names. output: gets a folder for each patient.

        Raises SegMambaError when the model is of no use.
        """
        self._model_path = model_path
        self._spec = read_spec(model_path)
        self._choices = choices
        self._output = output
        self._progress = progress
        self._is_cancelled = is_cancelled
        self._record = BatchRecord(
            patients, output, self._spec.name, OUTPUT_FILES["overview"], OUTPUT_FILES["report"]
        )
        self._time_left = TimeLeft(0)
        self._told: str | None = None

    def run(self) -> BatchResult:
        """Segment everybody who is not finished; the summary is complete after every patient.

        Raises SegMambaError when model, device or disk are of no use or the summary could not be written at
        the end, CancelledError when asked to stop. Who is finished stays so.
        """
        started = time.perf_counter()
        try:
            self._find_finished()
            self._segment_waiting()
            self._record.write()
        except BaseException as error:
            self._record.put_back()
            with contextlib.suppress(SegMambaError):  # what stopped the run is the error to tell
                self._record.write()
            if isinstance(error, (CancelledError, KeyboardInterrupt)):
                raise CancelledError(
                    f"Cancelled. {self._record.count('done')} of {len(self._record)} patients are finished; "
                    "the same command goes on from there."
                ) from error
            raise
        return BatchResult(
            output=self._output,
            summary=SUMMARY_FILE,
            page=PAGE_FILE,
            done=self._record.count("done"),
            failed=self._record.count("failed"),
            incomplete=self._record.count("incomplete"),
            seconds=time.perf_counter() - started,
        )

    def _find_finished(self) -> None:
        """Tell about those for whom nothing is to be done."""
        recipe = Recipe(
            model_sha256(self._model_path),
            self._choices.settings,
            self._choices.reference,
            self._choices.labels,
            self._choices.preparation,
            tuple(OUTPUT_FILES.values()),
            OUTPUT_FILES["report"],
        )
        self._progress.phase("check")
        for outcome in self._record.outcomes():
            if self._is_cancelled():
                raise CancelledError
            patient = outcome.patient
            folder = self._output / patient.name
            run = finished_run(patient, folder, recipe) if outcome.status == "waiting" else None
            if run and not dicom_output_is_due(patient.sources, recipe.reference, folder, run):
                outcome = PatientOutcome(patient, "done", run=run)
                self._record.set(outcome)
            self._progress.outcome(outcome)
        self._write_record()

    def _segment_waiting(self) -> None:
        queue = self._record.waiting()
        self._time_left = TimeLeft(len(queue))
        self._tell_overall(self._time_left.between())
        model: LoadedModel | None = None
        with ThreadPoolExecutor(max_workers=1) as thread:
            try:
                for patient, reading in read_ahead(queue, self._read, thread):
                    if model is None:
                        # The first patient is being read meanwhile.
                        self._progress.phase("load")
                        model = load_model(self._model_path, self._choices.settings)
                    self._set(PatientOutcome(patient, "running"))
                    self._time_left.begin()
                    outcome = self._segment(patient, reading, model)
                    self._time_left.end(counts=outcome.status == "done")
                    self._set(outcome)
                    self._tell_overall(self._time_left.between())
            finally:
                thread.shutdown(wait=False, cancel_futures=True)

    def _segment(
        self, patient: FoundPatient, reading: Future[ReadyStudy], model: LoadedModel
    ) -> PatientOutcome:
        """Whatever is wrong with the patient becomes the outcome; what would hit all others, too, is raised."""
        folder = self._output / patient.name
        steps = Steps(PatientProgress(self._progress, self._tell_time_left), self._is_cancelled)
        try:
            steps.begin("read")
            study = reading.result()
            remove_leftovers(folder)
            segment_case(study, model, self._choices, folder, steps)
        except (CancelledError, DiskFullError):
            raise
        except Exception as error:
            return PatientOutcome(patient, "failed", " ".join(reason_of(error).split()))
        return PatientOutcome(patient, "done", run=read_report(folder / OUTPUT_FILES["report"]))

    def _read(self, patient: FoundPatient) -> ReadyStudy:
        """Read and prepare the next patient while the present one is segmented, without a word."""
        case = read_case(patient.sources, self._choices.reference, anywhere=self._choices.preparation)
        return make_ready(case, self._spec, self._choices, Steps(NoProgress(), self._is_cancelled))

    def _set(self, outcome: PatientOutcome) -> None:
        self._record.set(outcome)
        self._write_record()
        self._progress.outcome(outcome)

    def _write_record(self) -> None:
        """Write what can be written: on Windows, a spreadsheet that shows the summary keeps it from changing."""
        try:
            self._record.write()
        except DiskFullError:
            raise
        except SegMambaError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._progress.warning(f"{error} The batch goes on.")

    def _tell_time_left(self, seconds_left: float) -> None:
        self._tell_overall(self._time_left.amid(seconds_left))

    def _tell_overall(self, seconds_left: float | None) -> None:
        behind = len(self._record) - self._record.count("waiting") - self._record.count("running")
        self._progress.overall(behind, len(self._record), seconds_left)
