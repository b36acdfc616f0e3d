"""One scan of a patient, as follow-up sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import pairwise

from SegMambaCore.errors import SegMambaError


class Treatment(Enum):
    """What had been done before the scan; of surgery and radiotherapy the latter counts."""

    NOT_STATED = "not stated"
    BEFORE = "before treatment"
    AFTER_SURGERY = "after surgery"
    AFTER_RADIOTHERAPY = "after radiotherapy"

    @property
    def is_treated(self) -> bool:
        """Whether the tumor had been operated on or irradiated."""
        return self in (Treatment.AFTER_SURGERY, Treatment.AFTER_RADIOTHERAPY)


@dataclass(frozen=True)
class TimePoint:
    """name: unique within the patient. date: of the scan, None where it is not known.

    volumes_ml: millilitres by region, "WT", "TC" and "ET"; 0 where none was found; a region that was not
        segmented is None or absent.
    product_mm2: sum of the products of the target lesions' two diameters; 0 where there is no measurable
        lesion, None where nothing was measured.
    segments_are: "as computed", "edited" or "reviewed" by region.
    """

    name: str
    date: date | None
    volumes_ml: Mapping[str, float | None]
    product_mm2: float | None
    treatment: Treatment = Treatment.NOT_STATED
    segments_are: Mapping[str, str] = field(default_factory=dict)


def in_order(points: Sequence[TimePoint]) -> tuple[TimePoint, ...]:
    """Return the time points by date; in the order given where no date is known.

    Raises SegMambaError when names repeat, when only some dates are known, or two are the same.
    """
    names = [point.name for point in points]
    if len(set(names)) < len(names):
        raise SegMambaError(f"Two time points have the same name: {', '.join(names)}. Rename one.")
    dated = [(point.date, point) for point in points if point.date is not None]
    if not dated:
        return tuple(points)
    if len(dated) < len(points):
        missing = ", ".join(point.name for point in points if point.date is None)
        raise SegMambaError(f"The date of {missing} is missing. Enter it, or remove the dates of the others.")
    dated.sort(key=lambda pair: pair[0])
    for (one, first), (other, second) in pairwise(dated):
        if one == other:
            raise SegMambaError(f"{first.name} and {second.name} have the same date, {one}. Correct one.")
    return tuple(point for _, point in dated)
