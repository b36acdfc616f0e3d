"""Measure a model, or an ensemble, on the held-out cases of a split, or label maps that any program wrote.

    python Training/evaluate.py --model FILE --data PACKS --split Training/configs/split_44.json --output DIR
    python Training/evaluate.py --predictions DIR --references DIR --output DIR

Writes cases.csv, a line for each case (and way of inference), and summary.csv: means and medians with 95 % bootstrap
intervals. Every column of figures names its convention; see Training/metrics/. Several evaluations of the same cases
are set side by side by Training/compare.py.
"""
# Nothing that imports torch at the top: the processes that measure import this file again.

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import Mode
from Training.evaluation.label_maps import LABELS
from Training.evaluation.of_folders import evaluate_folders, pair_up
from Training.evaluation.processes import default_workers
from Training.evaluation.summary import summarise, way_of
from Training.evaluation.table import Row, number, write_table
from Training.metrics.conventions import CONVENTIONS, convention_of
from Training.split import PARTS, read_split

PRINTED = ("mean", "mean_ci95_low", "mean_ci95_high", "median")
"""Statistics of the summary; the table has more."""


def main() -> None:
    """Read the arguments, evaluate, write the two tables, print the summary."""
    arguments = _parse()
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
        rows = _of_model(arguments) if arguments.model else _of_folders(arguments)
        summary = summarise(rows, arguments.seed)
        write_table(rows, arguments.output / "cases.csv")
        write_table(summary, arguments.output / "summary.csv")
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    _print(summary)


def _print(summary: list[Row]) -> None:
    """A line for each figure: mean with its interval, and median."""
    for way in dict.fromkeys(map(way_of, summary)):
        statistics = {line["statistic"]: line for line in summary if way_of(line) == way}
        mean, low, high, median = (statistics[name] for name in PRINTED)
        print(" ".join([f"{mean['cases']} cases", *(f"{name} {value}" for name, value in way)]))
        for column in (name for name in mean if convention_of(name)):
            print(
                f"  {column:34} mean {number(mean[column]):9.4f}"
                f" [{number(low[column]):.4f}, {number(high[column]):.4f}]  median {number(median[column]):9.4f}"
            )


def _of_model(arguments: argparse.Namespace) -> list[Row]:
    from Training.case_pack import pack_path
    from Training.evaluation.of_model import WAYS, evaluate_model

    packs = [pack_path(arguments.data, name) for name in read_split(arguments.split).part(arguments.part)]
    ways = [(mode, mirror) for mode, mirror in WAYS if arguments.mode in (None, mode)]
    return evaluate_model(
        arguments.model,
        packs,
        ways,
        arguments.conventions,
        device=arguments.device,
        workers=arguments.workers,
    )


def _of_folders(arguments: argparse.Namespace) -> list[Row]:
    cases = None if arguments.split is None else read_split(arguments.split).part(arguments.part)
    return evaluate_folders(
        pair_up(arguments.predictions, arguments.references, cases),
        arguments.conventions,
        labels=arguments.labels,
        prediction_labels=arguments.prediction_labels,
        brats2026_programs=arguments.brats2026,
        workers=arguments.workers,
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--model",
        type=Path,
        nargs="+",
        help="a model file, or several that answer together; with --data, --split",
    )
    source.add_argument("--predictions", type=Path, help="folder of label maps, with --references")
    parser.add_argument("--output", type=Path, required=True, help="folder for the two tables")
    parser.add_argument("--split", type=Path, help="measure its held-out cases alone")
    parser.add_argument("--part", choices=PARTS, default="held_out", help="another part of the split")
    parser.add_argument(
        "--conventions",
        nargs="+",
        choices=[*CONVENTIONS, "brats2026"],
        default=list(CONVENTIONS),
        help="brats2026 needs its own program",
    )
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes that measure")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--data", type=Path, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--device", default="auto", help="where the model runs")
    parser.add_argument(
        "--mode", choices=[mode for mode in get_args(Mode) if mode != "auto"], help="only this one"
    )
    parser.add_argument("--references", type=Path, help="folder of the label maps that are right")
    parser.add_argument(
        "--labels", choices=LABELS, help="what the labels mean: without it told by the names of the cases"
    )
    parser.add_argument("--prediction-labels", choices=LABELS, help="that of the predictions, if another")
    parser.add_argument(
        "--brats2026", type=Path, metavar="FOLDER", help="where brats-evaluate is, else on PATH"
    )
    arguments = parser.parse_args()
    if arguments.model and not (arguments.data and arguments.split):
        parser.error("--model wants --data and --split")
    if arguments.model and "brats2026" in arguments.conventions:
        parser.error("brats2026 measures files: write the model's label maps and give them as --predictions")
    if arguments.predictions and not arguments.references:
        parser.error("--predictions wants --references")
    if arguments.workers < 1:
        parser.error("--workers must be 1 or more")
    return arguments


if __name__ == "__main__":
    main()
