"""Which cases train and which are held out.

    python Training/split.py --data DIR --held-out 10 --output Training/configs/split_44.json
    python Training/split.py --data DIR --folds 5 --output Training/configs/folds_44

Cases are drawn by patient: all scans of a patient lie on the same side. The folds of a cross-validation are a split
each, DIR/fold_1.json and so on; every patient is held out in one of them.
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

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file

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
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--held-out", type=int, help="patients to hold out of one split")
    kind.add_argument("--folds", type=int, help="splits of a cross-validation, at least 2")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument(
        "--output", type=Path, required=True, help="JSON file, or the folds' folder, to write"
    )
    arguments = parser.parse_args()
    try:
        cases = [folder.name for folder in find_cases(arguments.data)]
        if arguments.folds is None:
            splits = {arguments.output: draw_split(cases, arguments.held_out, arguments.seed)}
        else:
            folds = draw_folds(cases, arguments.folds, arguments.seed)
            arguments.output.mkdir(parents=True, exist_ok=True)
            splits = {arguments.output / f"fold_{n}.json": split for n, split in enumerate(folds, start=1)}
        for path, split in splits.items():
            _write_split(split, arguments.seed, path)
            print(f"{path}: {len(split.training)} training cases, {len(split.held_out)} held out.")
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def draw_split(cases: list[str], held_out_patients: int, seed: int) -> Split:
    """Return a split in which no patient lies on both sides; the order of `cases` plays no part.

    Raises SegMambaError when there are not that many patients and one to train on.
    """
    patients = sorted({patient_of(case) for case in cases})
    if not 0 < held_out_patients < len(patients):
        raise SegMambaError(
            f"{held_out_patients} patients cannot be held out: there are {len(patients)}, and some have to train."
        )
    return _without(set(random.Random(seed).sample(patients, held_out_patients)), cases)


def draw_folds(cases: list[str], folds: int, seed: int) -> list[Split]:
    """Return a split a fold: every patient is held out once, the folds' sizes differ by one patient at most.

    Raises SegMambaError for fewer than two folds, or more than there are patients.
    """
    patients = sorted({patient_of(case) for case in cases})
    if not 2 <= folds <= len(patients):
        raise SegMambaError(f"{folds} folds cannot be made of {len(patients)} patients.")
    random.Random(seed).shuffle(patients)
    return [_without(set(patients[n::folds]), cases) for n in range(folds)]


def _without(patients: set[str], cases: list[str]) -> Split:
    held_out = tuple(sorted(case for case in cases if patient_of(case) in patients))
    return Split(tuple(sorted(set(cases) - set(held_out))), held_out)


def patient_of(case: str) -> str:
    """Return the case name without the time point that BraTS adds from 2023 on."""
    match = _TIME_POINT.match(case)
    return match[1] if match else case


def read_split(path: Path) -> Split:
    """Read what this script wrote."""
    sides = json.loads(path.read_text(encoding="utf-8"))
    return Split(tuple(sides["training"]), tuple(sides["held_out"]))


def _write_split(split: Split, seed: int, path: Path) -> None:
    sides = {"seed": seed, "held_out": split.held_out, "training": split.training}
    write_whole_file(path, (json.dumps(sides, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
