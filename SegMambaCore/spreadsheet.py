"""Tables that a spreadsheet opens as they are meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from SegMambaCore.whole_file import write_whole_file

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_spreadsheet(columns: Sequence[str], rows: Iterable[Mapping[str, str]], path: Path) -> None:
    """Write comma-separated values in UTF-8 with a byte order mark, which spreadsheets want; "" for what a row lacks.

    Texts that come from outside have to go through `plain_text` first.
    Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_whole_file(path, text.getvalue().encode("utf-8-sig"))


def plain_text(value: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would compute it."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def original_text(value: str) -> str:
    """Return what `plain_text` was given."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA_STARTS) else value
