"""The evaluations that are compared: one model each, all on the same cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from Training.ensemble import JOINED_BY
from Training.evaluation.paired import Cells
from Training.evaluation.summary import WAY, way_of
from Training.evaluation.table import number, read_table
from Training.metrics.conventions import convention_of
from Training.split import patient_of

TABLE = "cases.csv"


@dataclass(frozen=True)
class Evaluated:
    """What Training/evaluate.py found of one model used in one way.

    name: what tables call the model. rows: cells of a line of cases.csv, by case, in the order of the cases' names.
    """

    name: str
    rows: Mapping[str, Cells]

    @property
    def cases(self) -> list[str]:
        """The names of the cases."""
        return list(self.rows)

    @property
    def patients(self) -> int:
        """How many patients the cases are of."""
        return len({patient_of(case) for case in self.rows})

    def figures(self, column: str) -> NDArray[np.float64]:
        """Return a column (cases,), nan where a cell is empty."""
        return np.array([number(row[column]) for row in self.rows.values()])

    def conventions(self) -> list[str]:
        """Return the conventions whose figures there are."""
        columns = next(iter(self.rows.values()))
        return list(dict.fromkeys(name for column in columns if (name := convention_of(column))))

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that answered together; none where the evaluation does not know."""
        return tuple(name for told in self._told("network") for name in told.split(JOINED_BY))

    @property
    def device(self) -> str:
        """What the network ran on, "" where that is not known."""
        return ", ".join(self._told("device"))

    @property
    def way(self) -> str:
        """How the model was used, "" where that is not known."""
        return ", ".join(value for _, value in way_of(next(iter(self.rows.values()))))

    @property
    def seconds(self) -> float | None:
        """The median over the cases: the first one bears the network's start."""
        return median(values) if (values := self._cost("seconds")) else None

    @property
    def peak_gb(self) -> float | None:
        """The largest of all cases."""
        return max(values) if (values := self._cost("peak_gb")) else None

    def _told(self, column: str) -> list[str]:
        return list(dict.fromkeys(row[column] for row in self.rows.values() if row.get(column)))

    def _cost(self, column: str) -> list[float]:
        return [float(row[column]) for row in self.rows.values() if row.get(column)]


def read_evaluations(
    folders: Mapping[str, Path], mode: str | None = None, mirror: str | None = None
) -> list[Evaluated]:
    """Read the output folders of Training/evaluate.py, by the names that the models shall have.

    mode, mirror: the way of inference to take of evaluations that tried several.
    Raises SegMambaError when a folder holds no table, or several ways of which none was chosen, when the evaluations
    are not of the same cases, or share no convention.
    """
    evaluations = [
        Evaluated(name, _rows(folder / TABLE, dict(zip(WAY, (mode, mirror), strict=True))))
        for name, folder in folders.items()
    ]
    first = evaluations[0]
    for other in evaluations[1:]:
        if other.rows.keys() != first.rows.keys():
            lonely = sorted(other.rows.keys() ^ first.rows.keys())
            raise SegMambaError(
                f"{first.name} and {other.name} were not evaluated on the same cases: {lonely[0]} is in one alone"
                f" ({len(lonely)} such cases).\nEvaluate all models with one --split."
            )
    if not shared_conventions(evaluations):
        raise SegMambaError("The evaluations share no convention: give all the same --conventions.")
    return evaluations


def shared_conventions(evaluations: Sequence[Evaluated]) -> list[str]:
    """Return the conventions that every evaluation has figures of."""
    first, *others = (evaluation.conventions() for evaluation in evaluations)
    return [name for name in first if all(name in conventions for conventions in others)]


def _rows(table: Path, wanted: Mapping[str, str | None]) -> dict[str, Cells]:
    rows = read_table(table)
    if "case" not in rows[0]:
        raise SegMambaError(f"{table}: has no column `case`. Give the output folder of Training/evaluate.py.")
    chosen = [
        row
        for row in rows
        if all(value is None or row.get(name, value) == value for name, value in wanted.items())
    ]
    ways = list(dict.fromkeys(map(way_of, chosen)))
    if len(ways) != 1:
        known = "; ".join(
            " ".join(f"--{name} {value}" for name, value in way) for way in dict.fromkeys(map(way_of, rows))
        )
        raise SegMambaError(
            f"{table}: {'none' if not ways else 'several'} of its ways of inference fit. Choose one: {known}."
        )
    return {row["case"]: row for row in sorted(chosen, key=lambda row: row["case"])}
