"""The series of a DICOM study as lines for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SeriesRow:
    """One series. Nothing here tells the patient.

    number: what to name it by. day: 2024-05-02. size: voxels along columns, rows, slices; spacing_mm: likewise,
    None where the images are no volume.
    role: "T1", "T1Gd", "T2", "T2-FLAIR" or "". reason: why it has the role, or none.
    """

    number: str
    day: str
    description: str
    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    role: str
    reason: str


def series_table(rows: Sequence[SeriesRow]) -> list[str]:
    """Return a table with a line a series."""
    cells = [("Series", "Study", "Description", "Voxels", "mm", "Role"), *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cells(row: SeriesRow) -> tuple[str, ...]:
    spacing = " x ".join(f"{step:.3g}" for step in row.spacing_mm) if row.spacing_mm else "-"
    return (
        row.number,
        row.day,
        row.description,
        " x ".join(map(str, row.size)),
        spacing,
        f"{row.role}: {row.reason}" if row.role else f"- ({row.reason})",
    )
