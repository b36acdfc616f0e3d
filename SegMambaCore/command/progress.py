"""What a command tells while it works: to a person, to a program, or to nobody."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from tqdm import tqdm

from SegMambaCore.command.series_rows import SeriesRow, series_table

Phase = Literal[
    "find",
    "series",
    "check",
    "read",
    "inspect",
    "align",
    "extract",
    "prepare",
    "load",
    "segment",
    "register",
    "write",
]

PHASE_TITLES: dict[Phase, str] = {
    "find": "Looking for patients",
    "series": "Looking through DICOM series",
    "check": "Looking who is finished",
    "read": "Reading volumes",
    "inspect": "Checking volumes",
    "align": "Laying the sequences onto each other",
    "extract": "Finding the brain",
    "prepare": "Preparing volumes",
    "load": "Loading the model",
    "segment": "Segmenting",
    "register": "Registering",
    "write": "Writing results",
}


class Outcome(Protocol):
    """What a command ends with."""

    def for_programs(self) -> dict[str, Any]:
        """The values of the event "result"."""

    def for_people(self) -> list[str]:
        """The lines that a terminal shows."""


@dataclass(frozen=True)
class Result:
    """What a segmentation ends with.

    files: names in the output folder by kind; volumes_ml: millilitres by region; device: "cpu", "cuda" or
    "mps".
    """

    output: Path
    files: dict[str, str]
    volumes_ml: dict[str, float]
    device: str
    seconds: float

    def for_programs(self) -> dict[str, Any]:
        """See `Outcome`."""
        return {
            "output": str(self.output),
            "files": self.files,
            "volumes_ml": {region: round(volume, 3) for region, volume in self.volumes_ml.items()},
            "device": self.device,
            "seconds": round(self.seconds, 1),
        }

    def for_people(self) -> list[str]:
        """See `Outcome`."""
        from SegMambaCore.segmentation.regions import REGIONS

        amounts = {
            region: f"{volume:.1f} mL" if volume > 0 else "none found"
            for region, volume in self.volumes_ml.items()
        }
        return [
            *(f"{REGIONS[region].title} ({region}): {amount}" for region, amount in amounts.items()),
            f"{', '.join(self.files.values())} in {self.output}",
            f"{self.seconds:.1f} s on {self.device}. For research use only, not a medical device.",
        ]


class Progress(Protocol):
    """The events of one run: phases with progress and warnings, then a result or an error."""

    def phase(self, phase: Phase) -> None:
        """A new phase begins."""

    def progress(self, done: int, total: int, seconds_left: float) -> None:
        """So many units of the phase are done; they may start again at 0 with another total."""

    def series(self, rows: Sequence[SeriesRow]) -> None:
        """These series of a DICOM study were found, or stand for a role."""

    def warning(self, message: str) -> None:
        """Something that the user should know, and that is in the report too."""

    def result(self, result: Outcome) -> None:
        """All files are in place."""

    def error(self, message: str) -> None:
        """The run ends here; the message also goes to standard error, by the caller."""


def make_progress(kind: Literal["bar", "json", "none"]) -> Progress:
    """Return where events go: "bar" to the terminal, "json" as lines to standard output, "none" nowhere."""
    kinds: dict[str, type[Progress]] = {"bar": BarProgress, "json": JsonProgress, "none": NoProgress}
    return kinds[kind]()


class JsonProgress:
    """One JSON object a line on standard output, flushed at once: what the 3D Slicer module reads."""

    def __init__(self) -> None:
        self._phase: Phase = "read"

    def phase(self, phase: Phase) -> None:
        """See `Progress`."""
        self._phase = phase
        self._write("phase", phase=phase, title=PHASE_TITLES[phase])

    def progress(self, done: int, total: int, seconds_left: float) -> None:
        """See `Progress`."""
        self._write(
            "progress", phase=self._phase, done=done, total=total, seconds_left=round(seconds_left, 1)
        )

    def series(self, rows: Sequence[SeriesRow]) -> None:
        """See `Progress`."""
        self._write("series", series=[asdict(row) for row in rows])

    def warning(self, message: str) -> None:
        """See `Progress`."""
        self._write("warning", message=message)

    def result(self, result: Outcome) -> None:
        """See `Progress`."""
        self._write("result", **result.for_programs())

    def error(self, message: str) -> None:
        """See `Progress`."""
        self._write("error", message=message)

    def _write(self, event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), flush=True)


class BarProgress:
    """A bar and short sentences on standard error; the result on standard output."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def phase(self, phase: Phase) -> None:
        """See `Progress`."""
        self._close_bar()
        print(f"{PHASE_TITLES[phase]} ...", file=sys.stderr, flush=True)

    def progress(self, done: int, total: int, seconds_left: float) -> None:
        """See `Progress`."""
        if self._bar is None or self._bar.total != total or done < self._bar.n:
            self._close_bar()
            self._bar = tqdm(
                total=total, mininterval=0, leave=False, bar_format="{percentage:3.0f} % |{bar}| {desc}"
            )
        self._bar.set_description_str(f"{seconds_left:.0f} s left", refresh=False)
        self._bar.update(done - self._bar.n)

    def series(self, rows: Sequence[SeriesRow]) -> None:
        """See `Progress`."""
        self._close_bar()
        for line in series_table(rows):
            print(line)

    def warning(self, message: str) -> None:
        """See `Progress`."""
        self._close_bar()
        print(f"Warning: {message}", file=sys.stderr, flush=True)

    def result(self, result: Outcome) -> None:
        """See `Progress`."""
        self._close_bar()
        for line in result.for_people():
            print(line)

    def error(self, message: str) -> None:
        """See `Progress`."""
        self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class NoProgress:
    """Silence: only errors are heard, on standard error, by the caller."""

    def phase(self, phase: Phase) -> None:
        """See `Progress`."""

    def progress(self, done: int, total: int, seconds_left: float) -> None:
        """See `Progress`."""

    def series(self, rows: Sequence[SeriesRow]) -> None:
        """See `Progress`."""

    def warning(self, message: str) -> None:
        """See `Progress`."""

    def result(self, result: Outcome) -> None:
        """See `Progress`."""

    def error(self, message: str) -> None:
        """See `Progress`."""
