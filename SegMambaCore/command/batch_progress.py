"""What a batch tells while it works: of each patient, and of them all."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.command.progress import BarProgress, JsonProgress, NoProgress, Phase, Progress
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.segmentation.regions import REGIONS


@dataclass(frozen=True)
class BatchResult:
    """What a batch ends with.

    summary, page: names in the output folder. done, failed, incomplete: patients.
    """

    output: Path
    summary: str
    page: str
    done: int
    failed: int
    incomplete: int
    seconds: float

    def for_programs(self) -> dict[str, Any]:
        """See `Outcome`."""
        return {
            "output": str(self.output),
            "files": {"summary": self.summary, "page": self.page},
            "done": self.done,
            "failed": self.failed,
            "incomplete": self.incomplete,
            "seconds": round(self.seconds, 1),
        }

    def for_people(self) -> list[str]:
        """See `Outcome`."""
        return [
            f"{self.done} done, {self.failed} failed, {self.incomplete} incomplete.",
            f"{self.summary}, {self.page} in {self.output}",
            f"{self.seconds:.0f} s. For research use only, not a medical device.",
        ]


class BatchProgress(Progress, Protocol):
    """The events of a batch: those of the patient at work, as in `Progress`, and those of all."""

    def patients(self, patients: Sequence[FoundPatient]) -> None:
        """These were found."""

    def outcome(self, outcome: PatientOutcome) -> None:
        """A patient's state has changed."""

    def overall(self, done: int, total: int, seconds_left: float | None) -> None:
        """So many patients are behind us; the time for all that remains, None while nobody knows."""


def make_batch_progress(kind: Literal["bar", "json", "none"]) -> BatchProgress:
    """Return where events go: "bar" to the terminal, "json" as lines to standard output, "none" nowhere."""
    kinds: dict[str, type[BatchProgress]] = {"bar": BarBatch, "json": JsonBatch, "none": NoBatch}
    return kinds[kind]()


class TimeLeft:
    """How long a batch will still take, from the patients so far and the one at work."""

    def __init__(self, patients: int) -> None:
        """patients: how many have to be segmented."""
        self._waiting = patients
        self._finished: list[float] = []
        self._began = 0.0

    def begin(self) -> None:
        """The next patient's turn."""
        self._waiting -= 1
        self._began = time.perf_counter()

    def end(self, counts: bool) -> None:
        """The turn is over. counts: whether it took as long as a patient takes, and did not fail early."""
        if counts:
            self._finished.append(time.perf_counter() - self._began)

    def between(self) -> float | None:
        """Seconds for all who wait."""
        if not self._waiting:
            return 0.0
        return self._waiting * sum(self._finished) / len(self._finished) if self._finished else None

    def amid(self, seconds_left: float) -> float:
        """Seconds for the patient at work, who needs these, and all who wait."""
        own = time.perf_counter() - self._began + seconds_left
        finished = self._finished or [own]
        return seconds_left + self._waiting * sum(finished) / len(finished)


class PatientProgress:
    """The progress of the patient at work, with the time left for all before each step."""

    def __init__(self, progress: BatchProgress, tell_overall: Callable[[float], None]) -> None:
        """tell_overall: gets the seconds that the patient at work still needs."""
        self.phase = progress.phase
        self.series = progress.series
        self.warning = progress.warning
        self.result = progress.result
        self.error = progress.error
        self._progress = progress
        self._tell_overall = tell_overall

    def progress(self, done: int, total: int, seconds_left: float) -> None:
        """See `Progress`."""
        self._tell_overall(seconds_left)
        self._progress.progress(done, total, seconds_left)


class JsonBatch(JsonProgress):
    """One JSON object a line on standard output, flushed at once: what the 3D Slicer module reads."""

    def patients(self, patients: Sequence[FoundPatient]) -> None:
        """See `BatchProgress`."""
        self._write("patients", patients=[_found(patient) for patient in patients])

    def outcome(self, outcome: PatientOutcome) -> None:
        """See `BatchProgress`."""
        run = outcome.run
        self._write(
            "patient",
            case=outcome.patient.name,
            status=outcome.status,
            reason=outcome.reason,
            volumes_ml=run.volumes_ml if run else {},
            warnings=outcome.warnings,
        )

    def overall(self, done: int, total: int, seconds_left: float | None) -> None:
        """See `BatchProgress`."""
        seconds = None if seconds_left is None else round(seconds_left, 1)
        self._write("batch", done=done, total=total, seconds_left=seconds)


class BarBatch(BarProgress):
    """A bar for the patient at work on standard error, a line a patient and the result on standard output."""

    def __init__(self) -> None:
        super().__init__()
        self._left: float | None = None

    def phase(self, phase: Phase) -> None:
        """See `Progress`. Within a patient the bar is enough."""
        if phase in ("find", "load"):
            super().phase(phase)

    def progress(self, done: int, total: int, seconds_left: float) -> None:
        """See `Progress`; the time is that for all."""
        super().progress(done, total, seconds_left if self._left is None else self._left)

    def patients(self, patients: Sequence[FoundPatient]) -> None:
        """See `BatchProgress`."""
        width = max(len(patient.name) for patient in patients)
        for patient in patients:
            print(f"{patient.name:<{width}}  {' '.join([patient.problem or 'complete', *patient.notes])}")
            for role, series in _series_of(patient).items():
                print(f"{'':<{width}}  {ROLE_TITLES[role]}: {series.title}")
        complete = sum(not patient.problem for patient in patients)
        print(f"{len(patients)} patients, {complete} of them complete.")

    def outcome(self, outcome: PatientOutcome) -> None:
        """See `BatchProgress`."""
        self._close_bar()
        name = outcome.patient.name
        if outcome.status == "running":
            print(f"{name} ...", file=sys.stderr, flush=True)
        elif outcome.needs_attention:
            print(f"{name}: {outcome.status}. {outcome.reason}", flush=True)
        elif outcome.run:
            print(f"{name}: {_volumes(outcome.run.volumes_ml)}", flush=True)

    def overall(self, done: int, total: int, seconds_left: float | None) -> None:
        """See `BatchProgress`."""
        self._left = seconds_left


class NoBatch(NoProgress):
    """Silence: only errors are heard, on standard error, by the caller."""

    def patients(self, patients: Sequence[FoundPatient]) -> None:
        """See `BatchProgress`."""

    def outcome(self, outcome: PatientOutcome) -> None:
        """See `BatchProgress`."""

    def overall(self, done: int, total: int, seconds_left: float | None) -> None:
        """See `BatchProgress`."""


def _found(patient: FoundPatient) -> dict[str, Any]:
    return {
        "case": patient.name,
        "patient": patient.patient,
        "time_point": patient.time_point,
        "sources": {
            role: str(one.place if isinstance(one, DicomSeries) else one)
            for role, one in patient.sources.items()
        },
        "series": {
            role: {"title": series.title, "uid": series.stack.frames[0].series}
            for role, series in _series_of(patient).items()
        },
        "missing": patient.missing,
        "problem": patient.problem,
        "notes": patient.notes,
    }


def _series_of(patient: FoundPatient) -> dict[str, DicomSeries]:
    return {role: one for role, one in patient.sources.items() if isinstance(one, DicomSeries)}


def _volumes(volumes_ml: dict[str, float | None]) -> str:
    amounts = {region: volumes_ml.get(region) for region in REGIONS}
    return ", ".join(
        f"{region} {'none found' if amount is None else f'{amount:.1f} mL'}"
        for region, amount in amounts.items()
    )
