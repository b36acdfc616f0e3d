"""What the command says while it works: one JSON object a line on its standard output."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PhaseEvent:
    """A new phase began.

    phase: read, inspect, align, extract, prepare, load, segment, register or write; title: the same in English.
    """

    phase: str
    title: str


@dataclass(frozen=True)
class ProgressEvent:
    """done of total steps of the phase are behind us. secondsLeft: None while nothing is known."""

    done: int
    total: int
    secondsLeft: float | None


@dataclass(frozen=True)
class WarningEvent:
    """A sentence that the user should read; the run goes on."""

    message: str


@dataclass(frozen=True)
class ErrorEvent:
    """Why the run fails, in one to three lines."""

    message: str


@dataclass(frozen=True)
class ResultEvent:
    """The run is complete.

    segments, report, check: names of the .seg.nrrd, of report.json and of the input's picture in the output folder.
    volumesMl: millilitres by region; seconds: duration of the whole run.
    """

    segments: str
    report: str
    check: str
    volumesMl: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class TransformEvent:
    """A registration is complete. matrix: 4 rows of 4, world RAS millimetres, from moving to fixed."""

    matrix: list[list[float]]


Event = PhaseEvent | ProgressEvent | WarningEvent | ErrorEvent | ResultEvent | TransformEvent


def parseEvent(line: bytes) -> Event | None:
    """Return the event in a line, or None for anything else: libraries print to standard output, too."""
    try:
        message = json.loads(line.decode("utf-8"))
        return _PARSERS[message["event"]](message)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _progress(message: dict[str, Any]) -> ProgressEvent:
    seconds = message.get("seconds_left")
    return ProgressEvent(
        int(message["done"]), int(message["total"]), None if seconds is None else float(seconds)
    )


def _result(message: dict[str, Any]) -> ResultEvent | TransformEvent:
    if "matrix" in message:
        return TransformEvent([[float(value) for value in row] for row in message["matrix"]])
    volumes = {str(region): float(volume) for region, volume in message["volumes_ml"].items()}
    files = message["files"]
    segments, report, check = (str(files[kind]) for kind in ("segments", "report", "check"))
    return ResultEvent(segments, report, check, volumes, float(message["seconds"]))


_PARSERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "phase": lambda message: PhaseEvent(str(message["phase"]), str(message["title"])),
    "progress": _progress,
    "warning": lambda message: WarningEvent(str(message["message"])),
    "error": lambda message: ErrorEvent(str(message["message"])),
    "result": _result,
}
