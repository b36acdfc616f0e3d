"""Several models' evaluations on the same cases, in the shape of the paper's Table 1.

    python Training/compare.py "SegMamba=RUN_A/evaluation" "UNETR=RUN_B/evaluation" --output COMPARISON
    python Training/compare.py --describe

Each NAME=DIR is an output folder of Training/evaluate.py; all others are tested against the first. Writes
index.html, one file with plots and the worst cases as every model saw them, table.md, table.tex and paired.csv.
--describe prints every network of the registry with its parameters and operations instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file
from Training.comparison.comparison import compare
from Training.comparison.evaluated import Evaluated, read_evaluations, shared_conventions
from Training.comparison.latex import latex
from Training.comparison.markdown import markdown
from Training.comparison.page import page
from Training.comparison.pictures import CasePictures, draw_case
from Training.comparison.worst_cases import worst_cases
from Training.describe import describe, markdown_table
from Training.evaluation.table import write_table
from Training.metrics.conventions import DESCRIPTIONS

PAGE, MARKDOWN, LATEX, PAIRED = "index.html", "table.md", "table.tex", "paired.csv"


def main() -> None:
    """Read the arguments, then compare or describe."""
    arguments = _parse()
    try:
        if arguments.describe:
            for line in markdown_table(describe()):
                print(line, flush=True)
        else:
            _compare(arguments)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _compare(arguments: argparse.Namespace) -> None:
    evaluations = read_evaluations(dict(arguments.evaluations), arguments.mode, arguments.mirror)
    comparison = compare(evaluations, _conventions(evaluations, arguments.conventions), arguments.seed)
    worst = worst_cases(evaluations, comparison.tables[0].convention, arguments.worst)
    pictures = {case: _pictures(case, evaluations, arguments.images) for case in worst}

    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    if comparison.differences:
        write_table(comparison.differences, output / PAIRED)
    write_whole_file(output / MARKDOWN, markdown(comparison).encode())
    write_whole_file(output / LATEX, latex(comparison).encode())
    write_whole_file(output / PAGE, page(comparison, worst, pictures).encode())
    print(markdown(comparison))
    print(f"Page: {output / PAGE}")


def _conventions(evaluations: Sequence[Evaluated], wanted: Sequence[str] | None) -> list[str]:
    shared = shared_conventions(evaluations)
    if missing := [name for name in wanted or () if name not in shared]:
        raise SegMambaError(
            f"Not all evaluations have figures of the convention {missing[0]}; they share {', '.join(shared)}."
        )
    return list(wanted or shared)


def _pictures(case: str, evaluations: Sequence[Evaluated], images: Path | None) -> CasePictures | str:
    """What can be shown of a case, or why it cannot: a comparison is worth having without pictures."""
    try:
        return draw_case(case, evaluations, images)
    except SegMambaError as error:
        return str(error).replace("\n", " ").rstrip(".")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "evaluations",
        nargs="*",
        type=_named,
        metavar="NAME=DIR",
        help="an evaluation, and what tables call its model",
    )
    parser.add_argument("--output", type=Path, help="folder for the page and the tables")
    parser.add_argument(
        "--conventions",
        nargs="+",
        choices=list(DESCRIPTIONS),
        help="in this order; without it all that are shared",
    )
    parser.add_argument("--worst", type=int, default=2, help="cases to show of each model (2)")
    parser.add_argument(
        "--images", type=Path, help="folder with a folder for each case; without it beside the references"
    )
    parser.add_argument("--mode", help="the way of inference to take, of evaluations that tried several")
    parser.add_argument("--mirror", help="likewise")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--describe", action="store_true", help="parameters and operations of every network")
    arguments = parser.parse_args()
    if not arguments.describe and not (arguments.evaluations and arguments.output):
        parser.error("give evaluations as NAME=DIR, and --output; or --describe")
    names = [name for name, _ in arguments.evaluations]
    if len(set(names)) < len(names):
        parser.error("two evaluations have one name")
    return arguments


def _named(argument: str) -> tuple[str, Path]:
    name, found, folder = argument.partition("=")
    if not (name and found and folder):
        raise argparse.ArgumentTypeError(f"{argument!r} is not NAME=DIR")
    return name, Path(folder)


if __name__ == "__main__":
    main()
