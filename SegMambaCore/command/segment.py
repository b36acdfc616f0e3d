"""Segment a brain tumor in four MRI volumes: whole tumor (WT), tumor core (TC), enhancing tumor (ET)."""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from SegMambaCore.case.case import ROLE_TITLES, ROLES
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.case.read_case import read_case
from SegMambaCore.command.cancel import cancel_on_signal
from SegMambaCore.command.choices import Choices, add_choices, read_choices
from SegMambaCore.command.failure import failure_told
from SegMambaCore.command.output_folder import check_output_folder
from SegMambaCore.command.progress import Result, make_progress
from SegMambaCore.command.segment_case import load_model, segment_case
from SegMambaCore.command.steps import Steps
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import check_device_name
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.library import find_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the inputs, the output and the choices there are."""
    parser.add_argument(
        "folder", nargs="?", type=Path, help="folder of one BraTS case, instead of the four files"
    )
    for role in ROLES:
        parser.add_argument(f"--{role}", type=Path, metavar="FILE", help=f"{ROLE_TITLES[role]} volume")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add_choices(parser)


def run(args: argparse.Namespace) -> int:
    """Segment the case; write all four files or none.

    Raises SegMambaError for what the user can mend, CancelledError when asked to stop.
    """
    choices = read_choices(args)
    if args.folder and any(getattr(args, role) for role in ROLES):
        args.usage_error("give a folder or the four files, not both")

    progress = make_progress(args.progress)
    with failure_told(progress.error), cancel_on_signal() as is_cancelled:
        result = _segment(args, choices, Steps(progress, is_cancelled))
    progress.result(result)
    return 0


def _segment(args: argparse.Namespace, choices: Choices, steps: Steps) -> Result:
    """From four files to four files."""
    check_output_folder(args.output)
    check_device_name(choices.settings.device)
    paths = _input_paths(args)
    model_path = find_model(choices.model)
    spec = read_spec(model_path)

    with ThreadPoolExecutor(max_workers=1) as background:
        loading = background.submit(load_model, model_path, choices.settings.device)
        steps.begin("read")
        case = read_case(paths, choices.reference)
        steps.begin("prepare")
        prepared = prepare_case(case, spec)
        steps.begin("load")
        model = loading.result()
    return segment_case(case, prepared, model, choices, args.output, steps)


def _input_paths(args: argparse.Namespace) -> dict[str, Path]:
    if args.folder:
        return find_case_files(args.folder)
    paths: dict[str, Path] = {role: getattr(args, role) for role in ROLES}
    missing = [f"--{role}" for role, path in paths.items() if path is None]
    if missing:
        args.usage_error(f"give a folder, or all four files: {', '.join(missing)} missing")
    for role, path in paths.items():
        if not path.exists():
            raise SegMambaError(f"{ROLE_TITLES[role]}: {path}: there is no such file. Check the name.")
    return paths
