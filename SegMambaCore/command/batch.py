"""Segment a folder of patients one after the other, with a model that stays loaded.

Goes on where it stopped: who is finished with the same scans, model and settings is left alone. One who cannot
be segmented does not stop the rest. Exit code 0 when all are done, 3 when some could not be segmented.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from SegMambaCore.batch.find_patients import find_patients
from SegMambaCore.batch.lock import only_batch_in
from SegMambaCore.command.batch_progress import BatchProgress, make_batch_progress
from SegMambaCore.command.batch_run import BatchRun
from SegMambaCore.command.cancel import cancel_on_signal
from SegMambaCore.command.choices import Choices, add_choices, read_choices
from SegMambaCore.command.failure import failure_told
from SegMambaCore.command.output_folder import check_output_folder
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import check_device_name
from SegMambaCore.model_file.library import find_model

EXIT_SOME_FAILED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder, the output and the choices there are."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with the patients")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for the results, one for each patient in it"
    )
    where.add_argument("--list", action="store_true", help="only say who was found, and what is missing")
    add_choices(parser)


def run(args: argparse.Namespace) -> int:
    """Segment everybody, or list them.

    Raises SegMambaError for what the user can mend, CancelledError when asked to stop.
    """
    choices = read_choices(args)
    progress = make_batch_progress("bar" if args.list and args.progress == "none" else args.progress)
    with failure_told(progress.error):
        if not args.list:
            return _segment_all(args.folder, args.output, choices, progress)
        progress.phase("find")
        progress.patients(find_patients(args.folder))
        return 0


def _segment_all(folder: Path, output: Path, choices: Choices, progress: BatchProgress) -> int:
    check_output_folder(output)
    if output.resolve() == folder.resolve():
        raise SegMambaError(
            f"Output {output}: this is the folder of the patients. Choose another, so that scans and results "
            "stay apart."
        )
    check_device_name(choices.settings.device)
    model_path = find_model(choices.model)
    progress.phase("find")
    patients = find_patients(folder, skip=output)
    with only_batch_in(output), cancel_on_signal() as is_cancelled:
        result = BatchRun(patients, model_path, choices, output, progress, is_cancelled).run()
    progress.result(result)
    return EXIT_SOME_FAILED if result.failed or result.incomplete else 0
