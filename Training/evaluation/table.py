"""Tables of figures as CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file

Row = dict[str, str | float]


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write rows of the same keys, whole or not at all.

    Floats have four decimals, three digits where they are small; nan is an empty cell.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    write_whole_file(path, text.getvalue().encode("utf-8"))


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, as text. Raises SegMambaError when there are none."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise SegMambaError(f"{path}: cannot be read. Give a cases.csv of Training/evaluate.py.") from error
    if not rows:
        raise SegMambaError(f"{path}: holds no row. Give a cases.csv of Training/evaluate.py.")
    return rows


def number(cell: str | float | None) -> float:
    """Return a cell's value, nan where it is empty."""
    return math.nan if cell is None or cell == "" else float(cell)


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return ""
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.3g}"
