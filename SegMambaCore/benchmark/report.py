"""What a benchmark found: a table for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from SegMambaCore.whole_file import write_whole_file

Row = dict[str, Any]
"""A line of the table by its columns' names, units among them; None where there is nothing to say."""


@dataclass(frozen=True)
class Report:
    """One benchmark.

    benchmark: its name. device: what a person calls the machine. machine: its rates, see `Machine.for_json`.
    rows: figures. missing: what was to be compared and cannot run here, with the reason. notes: what was left out.
    """

    benchmark: str
    device: str
    torch: str
    machine: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    date: str = field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))

    def write_json(self, path: Path) -> None:
        """Write {benchmark, device, torch, date, machine, rows, missing, notes}. Raises SegMambaError."""
        keys = ("benchmark", "device", "torch", "date", "machine", "rows", "missing", "notes")
        text = json.dumps({key: getattr(self, key) for key in keys}, indent=1)
        write_whole_file(path, f"{text}\n".encode())

    def text(self) -> str:
        """Return the whole as Markdown."""
        lines = [f"{self.benchmark}: {self.device}, torch {self.torch}, {self.date}"]
        if self.machine:
            lines.append(", ".join(f"{name} {_cell(value)}" for name, value in self.machine.items()))
        lines += ["", *table(self.rows), ""]
        lines += [f"missing: {name}: {reason}" for name, reason in self.missing.items()]
        return "\n".join([*lines, *self.notes]).rstrip()


def table(rows: list[Row]) -> list[str]:
    """Return the rows as lines of a Markdown table; columns in the order in which they first appear."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if not columns:
        return []
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def ratio(value: float, to: float | None) -> float | None:
    """Return value / to with three figures, None without something to compare with."""
    return float(f"{value / to:.3g}") if to else None


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
