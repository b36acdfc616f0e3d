"""Time points from the results of earlier runs: one folder a scan, each with its report.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from SegMambaCore.errors import SegMambaError
from SegMambaCore.follow_up.time_point import TimePoint, Treatment
from SegMambaCore.segmentation.regions import REGIONS

_REPORT = "report.json"
_DATE = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")


def read_time_points(
    folder: Path, dates: Mapping[str, date], treatments: Mapping[str, Treatment]
) -> tuple[TimePoint, ...]:
    """Return a time point for each folder within the folder that holds a report, by name.

    dates, treatments: by the folder's name, where they are known. A date in the name (2024-05-02, 20240502)
    counts where none is given. The sum of products is that of all measurable lesions.
    Raises SegMambaError when there are fewer than two reports, one cannot be read, or a name is none of the
    folders'.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SegMambaError(
            f"{folder}: there is no such folder. Give the one that holds a folder for each scan."
        )
    reports = sorted(path for path in folder.glob(f"*/{_REPORT}") if not path.parent.name.startswith("."))
    if len(reports) < 2:
        raise SegMambaError(
            f"{folder}: {len(reports)} folders with a {_REPORT} were found in it. Segment two or more scans of"
            " the patient into folders within it."
        )
    names = [path.parent.name for path in reports]
    for name in (*dates, *treatments):
        if name not in names:
            raise SegMambaError(f"{name} is none of the scans in {folder}: {', '.join(names)}.")
    return tuple(
        _read(path, dates.get(path.parent.name), treatments.get(path.parent.name, Treatment.NOT_STATED))
        for path in reports
    )


def date_in(name: str) -> date | None:
    """Return the one date that a name holds, None where it holds none or several."""
    found = set()
    for match in _DATE.finditer(name):
        try:
            found.add(date(*map(int, match.groups())))
        except ValueError:
            continue  # digits that are no date
    return found.pop() if len(found) == 1 else None


def _read(path: Path, known: date | None, treatment: Treatment) -> TimePoint:
    name = path.parent.name
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        volumes = {key: float(report["regions"][key]["volume_ml"]) for key in REGIONS}
        products = [lesion["product_mm2"] for lesion in report["lesions"] if lesion["measurable"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SegMambaError(f"{path}: this report cannot be read. Segment {name} again.") from error
    return TimePoint(
        name,
        known or date_in(name),
        volumes,
        float(sum(products)),
        treatment,
        dict.fromkeys(REGIONS, "as computed"),
    )
