"""index.html: a row a patient, with the picture; opens from the disk, on a telephone too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from SegMambaCore.batch.patient_outcome import PatientOutcome, Status
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.whole_file import write_whole_file

PAGE_FILE = "index.html"

_TITLES: dict[Status, str] = {
    "waiting": "waiting",
    "running": "being segmented",
    "done": "done",
    "failed": "failed",
    "incomplete": "incomplete",
}
_ORDER: tuple[Status, ...] = ("failed", "incomplete", "running", "done", "waiting")


@dataclass(frozen=True)
class PageFiles:
    """Names of the files that the page links to, in a patient's folder and beside the page."""

    picture: str
    report: str
    summary: str


def write_page(
    outcomes: Sequence[PatientOutcome], path: Path, files: PageFiles, model_name: str, written: str
) -> None:
    """Write the page, those who need attention first; pictures and reports are linked relative to it.

    written: when, for people.
    Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    # Imported here: Slicer reads summaries without it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    counts = Counter(outcome.status for outcome in outcomes)
    ordered = sorted(outcomes, key=lambda outcome: _ORDER.index(outcome.status))
    text = environment.get_template("page.html").render(
        statement=RESEARCH_USE_ONLY,
        model=model_name,
        written=written,
        summary=files.summary,
        regions=list(REGIONS.values()),
        counts=[(status, _TITLES[status], counts[status]) for status in _ORDER if counts[status]],
        total=len(outcomes),
        rows=[_row(outcome, files) for outcome in ordered],
    )
    write_whole_file(path, text.encode("utf-8"))


def _row(outcome: PatientOutcome, files: PageFiles) -> dict[str, Any]:
    folder, run = quote(outcome.patient.name), outcome.run
    return {
        "name": outcome.patient.name,
        "status": outcome.status,
        "title": _TITLES[outcome.status],
        "reason": outcome.reason,
        "picture": f"{folder}/{files.picture}" if run else "",
        "report": f"{folder}/{files.report}" if run else "",
        "volumes": {region: _volume(run.volumes_ml.get(region)) if run else "" for region in REGIONS},
        "sorting": {region: (run.volumes_ml.get(region) or 0.0) if run else -1.0 for region in REGIONS},
        "warnings": outcome.warnings,
        "seconds": f"{run.seconds:.0f} s" if run else "",
        "device": run.device if run else "",
    }


def _volume(millilitres: float | None) -> str:
    return "none found" if millilitres is None else f"{millilitres:.1f} mL"
