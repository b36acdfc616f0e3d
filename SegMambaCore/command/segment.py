"""Segment a brain tumor in four MRI volumes: whole tumor (WT), tumor core (TC), enhancing tumor (ET)."""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from SegMambaCore.case.read_case import read_case
from SegMambaCore.command.cancel import cancel_on_signal
from SegMambaCore.command.choices import Choices, add_choices, read_choices
from SegMambaCore.command.failure import failure_told
from SegMambaCore.command.inputs import add_input_arguments, check_inputs, find_inputs, list_study, study_root
from SegMambaCore.command.make_ready import make_ready
from SegMambaCore.command.output_folder import check_output_folder
from SegMambaCore.command.progress import Result, make_progress
from SegMambaCore.command.segment_case import load_model, segment_case
from SegMambaCore.command.steps import Steps
from SegMambaCore.inference.settings import check_device_name
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.library import find_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the inputs, the output and the choices there are."""
    add_input_arguments(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=Path, metavar="DIR", help="folder for the results")
    what.add_argument(
        "--list-series",
        action="store_true",
        help="only list the series of a DICOM study and the roles they have",
    )
    add_choices(parser)


def run(args: argparse.Namespace) -> int:
    """Segment the case; write all files or none. Or list the series of a DICOM study.

    Raises SegMambaError for what the user can mend, CancelledError when asked to stop.
    """
    choices = read_choices(args)
    check_inputs(args)
    progress = make_progress("bar" if args.list_series and args.progress == "none" else args.progress)
    with failure_told(progress.error), cancel_on_signal() as is_cancelled:
        if args.list_series:
            progress.series(list_study(args))
            return 0
        result = _segment(args, choices, Steps(progress, is_cancelled))
    progress.result(result)
    return 0


def _segment(args: argparse.Namespace, choices: Choices, steps: Steps) -> Result:
    """From four files to four files."""
    check_output_folder(args.output)
    check_device_name(choices.settings.device)
    model_path = find_model(choices.model)
    spec = read_spec(model_path)
    if args.folder and study_root(args.folder):
        steps.begin("series")
    inputs = find_inputs(args)
    if inputs.chosen:
        steps.progress.series(inputs.chosen)

    with ThreadPoolExecutor(max_workers=1) as background:
        loading = background.submit(load_model, model_path, choices.settings)
        steps.begin("read")
        case = read_case(inputs.sources, choices.reference, anywhere=choices.preparation)
        study = make_ready(case, spec, choices, steps, inputs.notes)
        steps.begin("load")
        model = loading.result()
    return segment_case(study, model, choices, args.output, steps)
