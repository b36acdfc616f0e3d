"""Compare the segmented scans of one patient: changes in percent, and the thresholds that they cross."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from SegMambaCore.command.output_folder import all_or_nothing, check_output_folder
from SegMambaCore.follow_up.assess import Assessment, FollowUp, assess
from SegMambaCore.follow_up.csv_file import write_csv
from SegMambaCore.follow_up.read_folder import read_time_points
from SegMambaCore.follow_up.report_page import write_report_page
from SegMambaCore.follow_up.time_point import Treatment
from SegMambaCore.follow_up.wording import baseline_text, order_text, value_text

OUTPUT_FILES = {"table": "follow_up.csv", "picture": "follow_up.png", "report": "follow_up.html"}

_TREATMENTS = {treatment.value.replace(" ", "-"): treatment for treatment in Treatment}
_Value = TypeVar("_Value")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder and what the files cannot say."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="holds a folder for each scan, as `segment --output` made it"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--baseline",
        metavar="SCAN",
        help="the scan (folder) you confirm as baseline; RANO 2.0 takes the first after radiotherapy."
        " Without one, changes are not assessable",
    )
    parser.add_argument(
        "--date",
        action="append",
        default=[],
        type=_pair(date.fromisoformat, "SCAN=YYYY-MM-DD"),
        metavar="SCAN=YYYY-MM-DD",
        help="of a scan; repeat as needed (default: a date in the folder's name)",
    )
    parser.add_argument(
        "--treatment",
        action="append",
        default=[],
        type=_pair(_TREATMENTS.__getitem__, f"SCAN=KIND with a KIND of {', '.join(_TREATMENTS)}"),
        metavar="SCAN=KIND",
        help=f"what was done before a scan: {', '.join(_TREATMENTS)}; repeat as needed",
    )
    parser.add_argument(
        "--radiotherapy-end", type=_day, metavar="YYYY-MM-DD", help="last day of radiotherapy"
    )


def run(args: argparse.Namespace) -> int:
    """Compare and write the three files or none. Raises SegMambaError for what the user can mend."""
    check_output_folder(args.output)
    points = read_time_points(args.folder, dict(args.date), dict(args.treatment))
    assessment = assess(FollowUp(points, args.baseline, args.radiotherapy_end))

    from SegMambaCore.follow_up.plot import draw_plot

    picture = draw_plot(assessment)
    patient = args.folder.resolve().name
    with all_or_nothing(args.output) as folder:
        write_csv(assessment, folder / OUTPUT_FILES["table"])
        (folder / OUTPUT_FILES["picture"]).write_bytes(picture)
        write_report_page(assessment, patient, picture, folder / OUTPUT_FILES["report"])
    print("\n".join(_lines(assessment)))
    print(f"{', '.join(OUTPUT_FILES.values())} in {args.output}")
    return 0


def _lines(assessment: Assessment) -> list[str]:
    lines = [text for text in (baseline_text(assessment), order_text(assessment)) if text]
    for row in assessment.rows:
        change = row.against_baseline.text
        lines.append(
            f"{row.point.name}: {row.measure.title} {value_text(row)}, {change}"
            + (f", against nadir {row.against_nadir.text}" if row.nadir else "")
            + (f"; {row.threshold}" if row.threshold else "")
        )
    for name, caveats in assessment.caveats.items():
        lines += [f"{name}: {caveat}" for caveat in caveats]
    return lines


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a day, YYYY-MM-DD") from error


def _pair(convert: Callable[[str], _Value], form: str) -> Callable[[str], tuple[str, _Value]]:
    """A parser of NAME=VALUE."""

    def parse(text: str) -> tuple[str, _Value]:
        name, _, value = text.rpartition("=")
        try:
            return name, convert(value)
        except (ValueError, KeyError) as error:
            raise argparse.ArgumentTypeError(f"{text} is not {form}") from error

    return parse
