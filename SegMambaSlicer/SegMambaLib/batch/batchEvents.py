"""What the batch command says beside the events of each run: who was found, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FoundPatient:
    """One patient at one time.

    case: the name within the batch. sources: a file, or the folder or zip around a DICOM series, by role.
    problem: why the patient cannot be segmented, "" if nothing is known against it. notes: what somebody should
    look at. seriesUids: SeriesInstanceUID by role where the source is DICOM.
    """

    case: str
    sources: Mapping[str, Path]
    problem: str = ""
    notes: tuple[str, ...] = ()
    seriesUids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PatientsEvent:
    """Who was found."""

    patients: tuple[FoundPatient, ...]


@dataclass(frozen=True)
class PatientEvent:
    """A patient's state has changed.

    status: waiting, running, done, failed or incomplete. volumesMl: by region, None for one that was not found.
    """

    case: str
    status: str
    reason: str = ""
    volumesMl: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class OverallEvent:
    """done of total patients are behind us. secondsLeft: for all others, None while nothing is known."""

    done: int
    total: int
    secondsLeft: float | None


@dataclass(frozen=True)
class BatchResultEvent:
    """Everybody has had his turn. done, failed, incomplete: numbers of patients."""

    done: int
    failed: int
    incomplete: int


BatchEvent = PatientsEvent | PatientEvent | OverallEvent | BatchResultEvent


def parseBatchEvent(line: bytes | str) -> BatchEvent | None:
    """Return the event in a line, or None for anything else."""
    try:
        message = json.loads(line)
        return _PARSERS[message["event"]](message)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _patients(message: dict[str, Any]) -> PatientsEvent:
    return PatientsEvent(
        tuple(
            FoundPatient(
                str(patient["case"]),
                {str(role): Path(path) for role, path in patient["sources"].items()},
                str(patient["problem"]),
                tuple(map(str, patient["notes"])),
                {str(role): str(series["uid"]) for role, series in patient["series"].items()},
            )
            for patient in message["patients"]
        )
    )


def _patient(message: dict[str, Any]) -> PatientEvent:
    return PatientEvent(
        str(message["case"]),
        str(message["status"]),
        str(message["reason"]),
        {str(k): None if v is None else float(v) for k, v in message["volumes_ml"].items()},
        tuple(map(str, message["warnings"])),
    )


def _overall(message: dict[str, Any]) -> OverallEvent:
    seconds = message["seconds_left"]
    return OverallEvent(
        int(message["done"]), int(message["total"]), None if seconds is None else float(seconds)
    )


_PARSERS: dict[str, Callable[[dict[str, Any]], BatchEvent]] = {
    "patients": _patients,
    "patient": _patient,
    "batch": _overall,
    "result": lambda message: BatchResultEvent(
        int(message["done"]), int(message["failed"]), int(message["incomplete"])
    ),
}
