"""Courses of synthetic patients, and the words that no output may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from SegMambaCore.follow_up.time_point import TimePoint, Treatment

VERDICT = re.compile(
    r"\b(PD|SD|PR|CR|mR|progress\w*|respon\w*|stable|remission|partial|complete\w*)\b", re.IGNORECASE
)
"""Of response assessment: the program names thresholds, physicians judge."""

START = date(2024, 3, 1)


def course(
    products: Sequence[float | None],
    enhancing_ml: Sequence[float | None] | None = None,
    treatments: Sequence[Treatment] | None = None,
    weeks_apart: int = 8,
) -> list[TimePoint]:
    """Time points "A", "B", ... with these sums of products and volumes of ET; TC and WT are 2 and 5 times it."""
    enhancing = [10.0] * len(products) if enhancing_ml is None else enhancing_ml
    kinds = [Treatment.BEFORE] * len(products) if treatments is None else treatments
    return [
        TimePoint(
            chr(ord("A") + number),
            START + timedelta(weeks=weeks_apart * number),
            {"ET": et, "TC": None if et is None else 2 * et, "WT": None if et is None else 5 * et},
            product,
            kind,
            {"WT": "as computed", "TC": "as computed", "ET": "edited"},
        )
        for number, (product, et, kind) in enumerate(zip(products, enhancing, kinds, strict=True))
    ]
