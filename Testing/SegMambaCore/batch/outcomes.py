"""Patients in every state, with names that want to be more than names."""

from __future__ import annotations

from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.report.read_report import EarlierRun

EVIL = "=HYPERLINK(\"x\")<script>alert(1)</script>&'Müller'"


def make_run(warnings: tuple[str, ...] = ()) -> EarlierRun:
    return EarlierRun(
        hashes={role: role * 8 for role in ("t1n", "t1c", "t2w", "t2f")},
        reference="t1c",
        model_name="tiny",
        network="small",
        model_sha256="abc",
        settings_asked={},
        preparation=True,
        label_convention="brats2023",
        volumes_ml={"WT": 12.3456, "TC": 2.0, "ET": None},
        lesions={"WT": 1, "TC": 2, "ET": 0},
        sides={"WT": "left", "TC": "unknown", "ET": None},
        measurable=1,
        largest=(31.04, 20.0, 620.8),
        warnings=warnings,
        device="CPU",
        finished="2026-01-02T03:04:05+00:00",
        seconds=9.87,
        segment_seconds=4.5,
        peak_memory_gb=1.2,
    )


def make_outcomes() -> list[PatientOutcome]:
    return [
        PatientOutcome(FoundPatient(EVIL, {}), "done", run=make_run(("T1 <lies> apart.", "Memory ran out."))),
        PatientOutcome(FoundPatient("B/2024-01-05", {}), "waiting"),
        PatientOutcome(FoundPatient("C", {}), "failed", 'T2: "x.nii": empty, really.'),
        PatientOutcome(FoundPatient("D", {}, notes=("T2 is probably x.",)), "incomplete", "T1 is missing."),
        PatientOutcome(FoundPatient("E", {}), "running"),
    ]
