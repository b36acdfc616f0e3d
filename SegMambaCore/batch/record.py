"""The state of a batch, on the disk after every change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from SegMambaCore.batch.page import PAGE_FILE, PageFiles, write_page
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.batch.patient_outcome import PatientOutcome, Status
from SegMambaCore.batch.summary import SUMMARY_FILE, read_summary, write_summary


class BatchRecord:
    """What is known of every patient; summary.csv and index.html in the output folder say the same."""

    def __init__(
        self, patients: Iterable[FoundPatient], output: Path, model_name: str, picture: str, report: str
    ) -> None:
        """picture, report: names of files in each patient's folder. Nothing is written yet."""
        self._outcomes = {
            patient.name: PatientOutcome(
                patient, "incomplete" if patient.problem else "waiting", patient.problem
            )
            for patient in patients
        }
        self._output = output
        self._model_name = model_name
        self._files = PageFiles(picture, report, SUMMARY_FILE)
        self._ended_at = {
            row["case"] for row in read_summary(output / SUMMARY_FILE) if row["status"] == "running"
        }

    def __len__(self) -> int:
        return len(self._outcomes)

    def outcomes(self) -> list[PatientOutcome]:
        """Return what is known of each, by name."""
        return list(self._outcomes.values())

    def count(self, status: Status) -> int:
        """Return how many patients are in a state."""
        return sum(outcome.status == status for outcome in self._outcomes.values())

    def set(self, outcome: PatientOutcome) -> None:
        """Take in what is new of a patient; `write` makes it last."""
        self._outcomes[outcome.patient.name] = outcome

    def waiting(self) -> list[FoundPatient]:
        """Return who has to be segmented; last the one at whom an earlier run was killed.

        If he was what killed it, by needing more memory than there is, the rest is done first.
        """
        waiting = [o.patient for o in self._outcomes.values() if o.status == "waiting"]
        return sorted(waiting, key=lambda patient: patient.name in self._ended_at)

    def put_back(self) -> None:
        """Whoever is being segmented waits again."""
        for outcome in self.outcomes():
            if outcome.status == "running":
                self.set(PatientOutcome(outcome.patient, "waiting"))

    def write(self) -> None:
        """Write both files. Raises SegMambaError when that fails; each is then as it was."""
        written = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        write_summary(self.outcomes(), self._output / SUMMARY_FILE)
        write_page(self.outcomes(), self._output / PAGE_FILE, self._files, self._model_name, written)
