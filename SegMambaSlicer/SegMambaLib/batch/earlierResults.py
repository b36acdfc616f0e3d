"""What an earlier batch has left in the folder of results."""

from __future__ import annotations

from pathlib import Path

from ..core import makeCoreImportable
from ..result.regions import REGIONS
from .batchEvents import PatientEvent


def earlierResults(output: Path) -> dict[str, PatientEvent]:
    """Return who is finished by the folder's summary, by name; whether still with the same scans is not looked at."""
    makeCoreImportable()
    from SegMambaCore.batch.summary import SUMMARY_FILE, read_summary

    return {
        row["case"]: PatientEvent(
            row["case"],
            "done",
            volumesMl={region: _volume(row[f"{region}_ml"]) for region in REGIONS},
            warnings=tuple(filter(None, row["warnings"].split(" | "))),
        )
        for row in read_summary(output / SUMMARY_FILE)
        if row["status"] == "done"
    }


def _volume(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # none found
