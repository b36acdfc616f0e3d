"""The conventions by name, and the columns that hold their figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from SegMambaCore.segmentation.regions import REGIONS
from Training.metrics.brats2021 import brats2021
from Training.metrics.brats2023 import brats2023
from Training.metrics.nearest import Mask, Spacing
from Training.metrics.paper import paper

CONVENTIONS: dict[str, Callable[[Mask, Mask, Spacing], dict[str, float]]] = {
    "paper": paper,
    "brats2021": brats2021,
    "brats2023": brats2023,
}
"""What this project computes. The fourth, brats2026, is a program of its own: `Training/metrics/brats2026.py`."""

DESCRIPTIONS: dict[str, str] = {
    "paper": "as the paper's public code scores: HD95 of the pooled distances of both directions; prediction or"
    " reference empty, both too: Dice 0, HD95 50 mm",
    "brats2021": "HD95 the larger of the two directions; both empty: Dice 1, HD95 0; one empty: Dice 0, HD95 373.13 mm",
    "brats2023": "lesion by lesion (glioma); a missed lesion and a false positive: Dice 0, HD95 374 mm; nothing there"
    " and nothing found: Dice 1, HD95 0",
    "brats2026": "Dice and HD95 of whole regions by the organizers' program (brats-evaluation)",
}
"""What readers of a table must know of each."""

COUNTS = ("tp", "fp", "fn")

_COLUMN = re.compile(
    r"(?P<metric>[a-z0-9]+(_[a-z0-9]+)*)_(?P<region>[A-Z]+)_(?P<convention>[a-z0-9]+?)(_mm)?"
)


def measure(
    prediction: Mapping[str, Mask],
    reference: Mapping[str, Mask],
    spacing: Spacing,
    conventions: Sequence[str],
) -> dict[str, float]:
    """Return every figure of the named conventions for WT, TC and ET, by column.

    prediction, reference: masks (k, j, i) by region. spacing: millimetres along the same axes.
    """
    return {
        column_name(metric, region, convention): value
        for convention in conventions
        for region in REGIONS
        for metric, value in CONVENTIONS[convention](prediction[region], reference[region], spacing).items()
    }


def column_name(metric: str, region: str, convention: str) -> str:
    """Return the name of a column, which always tells the convention: dice_WT_brats2021, hd95_ET_paper_mm."""
    return f"{metric}_{region}_{convention}" + ("_mm" if metric.endswith("hd95") else "")


def convention_of(column: str) -> str | None:
    """Return the convention whose figure a column holds, None for any other column."""
    match = _COLUMN.fullmatch(column)
    return match["convention"] if match else None


def is_count(column: str) -> bool:
    """Whether a column of a convention counts lesions, and so is no score."""
    return column.partition("_")[0] in COUNTS
