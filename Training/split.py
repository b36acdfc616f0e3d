"""Which cases train and which are held out.

    python Training/split.py --data DIR --held-out 10 --seed 2024 --output Training/configs/split_44.json

Held-out cases are drawn by patient: all scans of a patient lie on the same side.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

_TIME_POINT = re.compile(r"^(BraTS-[A-Z]+-\d+)-\d+$")


@dataclass(frozen=True)
class Split:
    """Case names on both sides."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]


def main() -> None:
    """Draw a split of the cases in a folder and write it."""
    from Training.prepare import find_cases

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder for each case")
    parser.add_argument("--held-out", type=int, default=10, help="patients to hold out")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()

    split = draw_split(
        [folder.name for folder in find_cases(arguments.data)], arguments.held_out, arguments.seed
    )
    sides = {"seed": arguments.seed, "held_out": split.held_out, "training": split.training}
    arguments.output.write_text(json.dumps(sides, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"{len(split.training)} training cases, {len(split.held_out)} held out.")


def draw_split(cases: list[str], held_out_patients: int, seed: int) -> Split:
    """Return a split in which no patient lies on both sides; the order of `cases` plays no part."""
    patients = sorted({patient_of(case) for case in cases})
    chosen = set(random.Random(seed).sample(patients, held_out_patients))
    held_out = tuple(sorted(case for case in cases if patient_of(case) in chosen))
    return Split(tuple(sorted(set(cases) - set(held_out))), held_out)


def patient_of(case: str) -> str:
    """Return the case name without the time point that BraTS adds from 2023 on."""
    match = _TIME_POINT.match(case)
    return match[1] if match else case


def read_split(path: Path) -> Split:
    """Read what this script wrote."""
    sides = json.loads(path.read_text(encoding="utf-8"))
    return Split(tuple(sides["training"]), tuple(sides["held_out"]))


if __name__ == "__main__":
    main()
