"""cases.csv beside the packs: what became of every case that was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from Training.case_pack import PackHead
from Training.data_sets.found_case import FoundCase
from Training.evaluation.table import Row, write_table
from Training.split import patient_of

CASES_FILE = "cases.csv"


@dataclass(frozen=True)
class NotUsed:
    """A case that was found and cannot be used, and why."""

    case: FoundCase
    reason: str


def write_cases(
    folder: Path, heads: Sequence[PackHead], places: Mapping[str, Path], not_used: Sequence[NotUsed]
) -> None:
    """Write FOLDER/cases.csv: a line for each pack there and for each case that cannot be used.

    places: where cases were found, by name; of packs made from other data it is not known.
    Raises SegMambaError when the file cannot be written.
    """
    used = [
        _row(head.name, head.data_set, "yes", "", places.get(head.name, ""))
        | {
            "box": " x ".join(map(str, head.shape)),
            "reference_spacing_mm": " x ".join(f"{mm:g}" for mm in head.record.reference_grid.spacing),
            **{
                f"{name}_ml": voxels / 1000
                for name, voxels in zip(("NCR", "ED", "ET"), head.label_voxels, strict=True)
            },
            "notes": " ".join(head.notes),
        }
        for head in heads
    ]
    empty: Row = dict.fromkeys(("box", "reference_spacing_mm", "NCR_ml", "ED_ml", "ET_ml", "notes"), "")
    refused = [
        _row(one.case.name, one.case.data_set, "no", one.reason.replace("\n", " "), one.case.place) | empty
        for one in not_used
    ]
    rows = sorted([*used, *refused], key=lambda row: (str(row["case"]), str(row["used"]), str(row["place"])))
    write_table(rows, folder / CASES_FILE)


def _row(name: str, data_set: str, used: str, reason: str, place: Path | str) -> Row:
    return {
        "case": name,
        "patient": patient_of(name),
        "data_set": data_set,
        "used": used,
        "reason": reason,
        "place": str(place),
    }
