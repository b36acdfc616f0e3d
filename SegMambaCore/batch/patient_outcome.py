"""What is known about a patient of a batch at some moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.report.read_report import EarlierRun

Status = Literal["waiting", "running", "done", "failed", "incomplete"]
"""incomplete: not tried, since a contrast is missing or there are several for it."""


@dataclass(frozen=True)
class PatientOutcome:
    """reason: why the patient failed or is incomplete. run: of a patient who is done."""

    patient: FoundPatient
    status: Status
    reason: str = ""
    run: EarlierRun | None = None

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to look into it."""
        return self.status in ("failed", "incomplete")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody should look at: how the sources were chosen, then what the run met."""
        return self.patient.notes + (self.run.warnings if self.run else ())
