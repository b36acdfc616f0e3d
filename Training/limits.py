"""Tell a model file, from cases that its recipe had not seen, what to leave out and what to warn of.

    python Training/limits.py --model RUN/model.safetensors --tables CV/winner/*/cases.csv --data PACKS \
        --output RUN/model.safetensors

Into the file's header go: the least volume of ET and TC, where cases that had no say in it gain by it; for each
region the least Dice that the network's own probabilities must promise, so that a lower one is warned of; and what
its training cases look like (their packs are in --data), so that an unlike one is warned of. The tables are those of
Training/evaluate.py, one a fold, of the same recipe in the same way of inference. What was found is printed, to be
kept with the results.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from SegMambaCore.case.likeness import Usual, case_figures, fit_usual
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.regions import REGIONS
from Training.case_pack import pack_path, read_pack
from Training.evaluation.doubt import FAILURE_DICE, choose_limit
from Training.evaluation.least_volume import choose
from Training.evaluation.table import read_table
from Training.networks.model_file import read_model

DROPPABLE = ("TC", "ET")

Table = list[dict[str, str]]


def main() -> None:
    """Read the arguments, choose, write the model with its limits."""
    arguments = _parse()
    try:
        network, spec = read_model(arguments.model)
        folds = [_of_way(path, arguments.mode, arguments.mirror) for path in arguments.tables]
        limited = replace(
            spec,
            least_volume_ml=least_volumes(folds, spec),
            least_expected_dice=least_promises(folds),
            usual_figures=usual_figures(spec, arguments.data).to_dict(),
        )
        write_model(network, limited, arguments.output)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(f"wrote {arguments.output}")


def least_volumes(folds: Sequence[Table], spec: ModelSpec) -> dict[str, float]:
    """Return the least volume of each region where cases that had no say gain by one, and print what was found.

    Raises SegMambaError when a table lacks a column.
    """
    voxel_ml = spec.spacing[0] * spec.spacing[1] * spec.spacing[2] / 1000
    limits = {}
    for region in DROPPABLE:
        choice = choose(region, folds)
        honest = "unknown" if choice.honest_gain is None else f"{choice.honest_gain:+.4f}"
        kept = choice.best > 0 and choice.honest_gain is not None and choice.honest_gain > 0
        print(
            f"{region} below {choice.best} voxels left out: Dice {choice.dice[0]:.4f} {choice.gain:+.4f}, on folds that"
            f" had no say {honest}: {'kept' if kept else 'not kept'}"
        )
        if kept:
            limits[region] = round(choice.best * voxel_ml, 4)
    return limits


def least_promises(folds: Sequence[Table]) -> dict[str, float]:
    """Return the limits on `expected_dice` by region, and print how often their warning is right.

    Raises SegMambaError when a table lacks a column.
    """
    limits = {}
    for region in REGIONS:
        limit = choose_limit(region, folds)
        print(
            f"{region} promised below {limit.least:.3f} (failure: Dice below {FAILURE_DICE}): {limit.fitted}"
        )
        if limit.honest is not None:
            print(f"   on folds that had no say: {limit.honest}")
        if limit.least > 0:
            limits[region] = limit.least
    return limits


def usual_figures(spec: ModelSpec, data: Path) -> Usual:
    """Return what the model's training cases look like.

    Raises SegMambaError when it does not know three of them or a pack is missing.
    """
    if len(spec.cases) < 3:
        raise SegMambaError(
            f"Model {spec.name}: names {len(spec.cases)} training cases, at least 3 are needed."
        )
    packs = [pack_path(data, name) for name in spec.cases]
    if missing := [path for path in packs if not path.is_file()]:
        raise SegMambaError(f"{missing[0]}: there is no such pack. Run Training/prepare.py first.")
    figures = [case_figures(read_pack(path).tensor(), spec.channels) for path in tqdm(packs, unit="case")]
    return fit_usual(figures)


def _of_way(path: Path, mode: str, mirror: str) -> Table:
    rows = [row for row in read_table(path) if (row.get("mode"), row.get("mirror")) == (mode, mirror)]
    if not rows:
        raise SegMambaError(f"{path}: holds no row of mode {mode}, mirrors {mirror}.")
    return rows


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="cases.csv of each fold")
    parser.add_argument("--mode", choices=["windows", "onepass"], default="onepass")
    parser.add_argument("--mirror", choices=["none", "leftright", "all"], default="none")
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--output", type=Path, required=True, help="model file to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()
