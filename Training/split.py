"""Which cases train, which are looked at meanwhile, and which are held out for the end.

    python Training/split.py --data PACKS --parts 70/10/20 --output SPLIT.json
    python Training/split.py --data PACKS --held-out 10 --output SPLIT.json
    python Training/split.py --data PACKS --folds 5 --output FOLDS

Cases are drawn by patient: all scans of a patient lie on the same side. `--parts` are percent of the patients:
training, validation, held out. The folds of a cross-validation are a split each, FOLDS/fold_1.json and so on; every
patient is held out in one of them. The same seed and cases give the same split.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file

Part = Literal["training", "validation", "held_out"]
PARTS: tuple[Part, ...] = get_args(Part)

_TIME_POINT = re.compile(r"^(BraTS-[A-Z]+-\d+)-\d+$")


@dataclass(frozen=True)
class Split:
    """Case names by what they are for. validation: empty where nobody asked for any."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def part(self, name: Part) -> tuple[str, ...]:
        """Return the cases of a part by its name."""
        return {"training": self.training, "validation": self.validation, "held_out": self.held_out}[name]


def main() -> None:
    """Draw a split of the packs in a folder and write it."""
    from Training.case_pack import pack_names

    arguments = _parse()
    seed = arguments.seed
    try:
        cases = pack_names(arguments.data)
        if not cases:
            raise SegMambaError(f"{arguments.data}: holds no packs. Run Training/prepare.py first.")
        if arguments.folds is not None:
            folds = draw_folds(cases, arguments.folds, seed)
            splits = {arguments.output / f"fold_{n}.json": split for n, split in enumerate(folds, start=1)}
        elif arguments.parts is not None:
            splits = {arguments.output: draw_parts(cases, arguments.parts, seed)}
        else:
            splits = {arguments.output: draw_split(cases, arguments.held_out, seed)}
        for path, split in splits.items():
            _write_split(split, seed, path)
            print(
                f"{path}: {len(split.training)} training cases, {len(split.validation)} for validation,"
                f" {len(split.held_out)} held out."
            )
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--parts", type=_percentages, metavar="A/B/C", help="percent for training, validation, held out"
    )
    kind.add_argument("--held-out", type=int, metavar="N", help="patients to hold out; all others train")
    kind.add_argument("--folds", type=int, metavar="N", help="splits of a cross-validation, at least 2")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument(
        "--output", type=Path, required=True, help="JSON file, or the folds' folder, to write"
    )
    return parser.parse_args()


def _percentages(text: str) -> tuple[int, int, int]:
    parts = [int(part) if part.isdecimal() else -1 for part in text.split("/")]
    if len(parts) != 3 or sum(parts) != 100 or min(parts) < 0 or not (parts[0] and parts[2]):
        raise argparse.ArgumentTypeError(f"{text}: give three percentages that make 100, as in 70/10/20")
    return parts[0], parts[1], parts[2]


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


def draw_parts(cases: list[str], percent: tuple[int, int, int], seed: int) -> Split:
    """Return a split with so many percent of the patients for training, validation and the end.

    Raises SegMambaError when there are too few patients for one on each side.
    """
    patients = sorted({patient_of(case) for case in cases})
    random.Random(seed).shuffle(patients)
    held_out = round(len(patients) * percent[2] / 100)
    validation = round(len(patients) * percent[1] / 100)
    if not (held_out and (validation or not percent[1]) and held_out + validation < len(patients)):
        raise SegMambaError(
            f"{len(patients)} patients cannot be parted {'/'.join(map(str, percent))}: one part would be empty."
        )
    ends = (set(patients[:held_out]), set(patients[held_out : held_out + validation]))
    sides = [tuple(sorted(case for case in cases if patient_of(case) in end)) for end in ends]
    training = tuple(sorted(set(cases) - {case for side in sides for case in side}))
    return Split(training, held_out=sides[0], validation=sides[1])


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
    """Read what this script wrote. Raises SegMambaError when it is not that."""
    try:
        sides = json.loads(path.read_text(encoding="utf-8"))
        return Split(tuple(sides["training"]), tuple(sides["held_out"]), tuple(sides.get("validation", ())))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SegMambaError(f"{path}: is no split. Draw one with Training/split.py.") from error


def _write_split(split: Split, seed: int, path: Path) -> None:
    sides = {"seed": seed, "held_out": split.held_out, "training": split.training}
    if split.validation:
        sides["validation"] = split.validation
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole_file(path, (json.dumps(sides, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
