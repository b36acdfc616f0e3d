"""Train variants on folds and compare them: who gains more than the seeds differ.

    python Training/cross_validate.py --data PACKS --output RUNS --minutes 2.5 --use-folds 1 2 --seeds 1 2 --gpus 0 1 \
        --run baseline --run dropout p_contrast_dropout=0.3 --run dynunet network=dynunet learning_rate=3.0e-4

Each run is a training from scratch (Training/train.py --split FOLD) and its evaluation on the cases that the fold
holds out, in OUTPUT/VARIANT/fold_N-seed_S with a log; one at a time on each GPU. What is finished is passed over, so
the same line goes on where it stopped, on another machine too if the output folder is brought along (model files are
not needed for that). `--within` starts no run that would take longer; `--list` prints the command lines alone.
The table is printed and written to OUTPUT/table.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.cross_validation.execute import execute
from Training.cross_validation.gather import gather, markdown
from Training.cross_validation.plan import Recipe, Run, Variant, plan_runs, shell_line

CONFIGS = Path(__file__).resolve().parent / "configs"


def main() -> None:
    """Read the arguments, run what is missing, gather."""
    arguments = _parse()
    recipe = Recipe(arguments.config, arguments.data, arguments.minutes, arguments.mode)
    variants = [Variant(name, tuple(changes)) for name, *changes in arguments.run]
    folds = [arguments.folds / f"fold_{number}.json" for number in arguments.use_folds]
    try:
        runs = plan_runs(variants, folds, arguments.seeds, recipe, arguments.output)
        missing = [run for run in runs if not run.is_finished()]
        if arguments.list:
            _list(missing, arguments.gpus)
            return
        failed = execute(missing, arguments.gpus, arguments.within, lambda text: print(text, flush=True))
        reference = arguments.reference or variants[0].name
        table = "\n".join(markdown(gather(runs, reference), reference)) + "\n"
        write_whole_file(arguments.output / "table.md", table.encode("utf-8"))
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(table, end="")
    sys.exit(1 if failed else 0)


def _list(runs: list[Run], gpus: list[str]) -> None:
    for number, run in enumerate(runs):
        print(shell_line(run, gpus[number % len(gpus)]))
    minutes = sum(run.recipe.minutes for run in runs)
    print(f"# {len(runs)} runs, {minutes:g} minutes of training on {len(gpus)} GPUs")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of each training, all included")
    parser.add_argument(
        "--run",
        nargs="+",
        action="append",
        required=True,
        metavar=("NAME", "KEY=VALUE"),
        help="a variant: its name, then what it changes in the configuration",
    )
    parser.add_argument("--config", type=Path, default=CONFIGS / "small.yaml")
    parser.add_argument("--folds", type=Path, default=CONFIGS / "folds_44", help="folder of fold_1.json ...")
    parser.add_argument("--use-folds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--gpus", nargs="+", default=["0"], help="as CUDA_VISIBLE_DEVICES names them")
    parser.add_argument(
        "--mode", choices=["windows", "onepass"], help="measure in this way alone, which is quicker"
    )
    parser.add_argument("--reference", help="the variant that gains are over, else the first")
    parser.add_argument("--within", type=float, default=float("inf"), metavar="MINUTES")
    parser.add_argument("--list", action="store_true", help="print what would be run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
