"""summary.csv: a line a patient, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.case.case import ROLES
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.spreadsheet import original_text, plain_text, write_spreadsheet

SUMMARY_FILE = "summary.csv"

COLUMNS = (
    *("case", "patient", "time_point", "status", "reason"),
    *(f"{region}_ml" for region in REGIONS),
    *(f"{region}_lesions" for region in REGIONS),
    *(f"{region}_side" for region in REGIONS),
    *("ET_measurable", "ET_longest_mm", "ET_perpendicular_mm", "ET_product_mm2"),
    *("warnings", "device", "seconds", "finished", "model", "model_sha256"),
    *(f"{role}_sha256" for role in ROLES),
    *("segments_are", "statement"),
)
"""case: the patient's name within the batch, and the folder of the results. The three in millimeters are of
the enhancing lesion with the largest product."""


def write_summary(outcomes: Iterable[PatientOutcome], path: Path) -> None:
    """Write the table; an older one is replaced. A region without voxels is "none found".

    Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    rows = ({column: plain_text(value) for column, value in _row(one).items()} for one in outcomes)
    write_spreadsheet(COLUMNS, rows, path)


def read_summary(path: Path) -> list[dict[str, str]]:
    """Return the rows of a summary by column; none where there is no such file or it holds something else."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return []
    return [
        {column: original_text(value or "") for column, value in row.items()}
        for row in rows
        if {*row} >= {*COLUMNS}
    ]


def _row(outcome: PatientOutcome) -> dict[str, str]:
    patient, run = outcome.patient, outcome.run
    row = {
        "case": patient.name,
        "patient": patient.patient,
        "time_point": patient.time_point,
        "status": outcome.status,
        "reason": outcome.reason,
        "warnings": " | ".join(outcome.warnings),
    }
    if run is not None:
        row |= {
            **{f"{region}_ml": volume_text(run.volumes_ml.get(region)) for region in REGIONS},
            **{f"{region}_lesions": str(run.lesions.get(region, "")) for region in REGIONS},
            **{f"{region}_side": run.sides.get(region) or "" for region in REGIONS},
            "ET_measurable": str(run.measurable),
            "device": run.device,
            "seconds": f"{run.seconds:.1f}",
            "finished": run.finished,
            "model": run.model_name,
            "model_sha256": run.model_sha256,
            **{f"{role}_sha256": run.hashes.get(role) or "" for role in ROLES},
            "segments_are": "as computed",
            "statement": RESEARCH_USE_ONLY,
        }
        if run.largest is not None:
            longest, perpendicular, product = run.largest
            row |= {
                "ET_longest_mm": f"{longest:.1f}",
                "ET_perpendicular_mm": f"{perpendicular:.1f}",
                "ET_product_mm2": f"{product:.0f}",
            }
    return row


def volume_text(millilitres: float | None) -> str:
    """Return a volume for people: 0 mL would read as a measurement, or as proof that there is nothing."""
    return "none found" if millilitres is None else f"{millilitres:.3f}"
