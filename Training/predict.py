"""Predict a cohort: each case gets a folder with the files of `python -m SegMambaCore segment`.

    python Training/predict.py --model FILE [FILE ...] --data DIR --output OUT [--split SPLIT.json [--part held_out]]
    python Training/predict.py --model FILE --data DIR --output OUT --ray-address HOST:6379

DIR holds packs of Training/prepare.py, or cases as BraTS and Task01_BrainTumour publish them, at any depth. Several
model files answer together, as the mean of their probabilities. OUT/NAME gets segmentation.nii.gz,
segmentation.seg.nrrd, report.json and pictures; OUT/index.html and OUT/summary.csv show all. Training/evaluate.py
--predictions OUT measures them.

Without --ray-address, processes of this computer do the work: one for each GPU, or one that has all cores. With it,
the workers of a Ray cluster (pip install .[ray]): a GPU a case where there are any; code, data, models and OUT must lie
at the same place on all machines. Either way a worker that is killed costs only the case it was at, which is tried
again, three times in all.

Run again, the same command goes on where it stopped: finished cases with the same files, models and settings are left
alone. The exit code is 0 when all are done, 3 when some are not, 130 after Ctrl-C.
"""
# Nothing that imports torch at the top: the processes that predict import this file again, before they have their GPU.

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.batch.lock import only_batch_in
from SegMambaCore.batch.patient import FoundPatient
from SegMambaCore.batch.patient_outcome import PatientOutcome
from SegMambaCore.batch.record import BatchRecord
from SegMambaCore.command.choices import Choices
from SegMambaCore.command.failure import reason_of
from SegMambaCore.command.output_folder import check_output_folder
from SegMambaCore.command.segment_case import OUTPUT_FILES
from SegMambaCore.errors import DiskFullError, SegMambaError
from SegMambaCore.inference.settings import InferenceSettings, Mirror, Mode, check_device_name
from SegMambaCore.report.read_report import EarlierRun
from SegMambaCore.segmentation.regions import LabelConvention
from Training.prediction.inputs import Input, find_inputs
from Training.prediction.predict_case import CasePredictor
from Training.prediction.ray_cluster import each_on_cluster
from Training.prediction.this_computer import each_here
from Training.split import PARTS, read_split
from Training.worker_pool import Done

EXIT_SOME_FAILED = 3


def main() -> None:
    """Predict all cases, list those that failed."""
    arguments = _parse()
    try:
        failed = _predict(arguments)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one stopped.", file=sys.stderr)
        sys.exit(130)
    sys.exit(EXIT_SOME_FAILED if failed else 0)


def _predict(arguments: argparse.Namespace) -> int:
    """Return how many cases failed."""
    check_output_folder(arguments.output)
    check_device_name(arguments.device)
    if missing := [path for path in arguments.model if not path.is_file()]:
        raise SegMambaError(f"{missing[0]}: there is no such model file.")
    wanted = None if arguments.split is None else read_split(arguments.split).part(arguments.part)
    cases = find_inputs(arguments.data.resolve(), wanted)
    settings = InferenceSettings(arguments.mode, arguments.mirror, arguments.overlap, arguments.device)
    models = tuple(path.resolve() for path in arguments.model)
    predictor = CasePredictor(
        models, Choices(settings, None, "t1c", arguments.labels), arguments.output.resolve()
    )
    if arguments.ray_address:
        done = each_on_cluster(predictor, cases, arguments.ray_address)
    else:
        done = each_here(predictor, cases, arguments.workers, use_gpus=arguments.device != "cpu")
    with only_batch_in(arguments.output), closing(done):
        outcomes = _record(cases, done, predictor)
    failed = [outcome for outcome in outcomes if outcome.status != "done"]
    print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} cases are done. {arguments.output / 'index.html'}"
    )
    for outcome in failed:
        print(f"Failed: {outcome.patient.name}: {outcome.reason}", file=sys.stderr)
    return len(failed)


def _record(
    cases: list[Input], done: Iterator[Done[Input, EarlierRun]], predictor: CasePredictor
) -> list[PatientOutcome]:
    """Take in what becomes of the cases; the table and the page on the disk say it after each.

    Raises SegMambaError when the disk is full, which hits all others, too.
    """
    patients = {case.name: FoundPatient(case.name, {}) for case in cases}
    model = " + ".join(path.stem for path in predictor.models)
    record = BatchRecord(
        patients.values(), predictor.output, model, OUTPUT_FILES["overview"], OUTPUT_FILES["report"]
    )
    for one in tqdm(done, total=len(cases), unit="case"):
        if isinstance(one.error, DiskFullError):
            raise one.error
        patient = patients[one.item.name]
        if one.error is None:
            record.set(PatientOutcome(patient, "done", run=one.result))
        else:
            record.set(PatientOutcome(patient, "failed", " ".join(reason_of(one.error).split())))
        record.write()
    return record.outcomes()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="a model file, or an ensemble's")
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, or of cases")
    parser.add_argument("--output", type=Path, required=True, help="gets a folder for each case")
    parser.add_argument("--split", type=Path, help="predict only cases of this split")
    parser.add_argument("--part", choices=PARTS, default="held_out", help="which of them (%(default)s)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--ray-address", metavar="ADDRESS", help="a Ray cluster, HOST:PORT or auto, in place of this computer"
    )
    where.add_argument("--workers", type=int, metavar="N", help="processes (one a GPU, or one)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda (default: auto)")
    parser.add_argument("--mode", choices=get_args(Mode), default="auto", help="as of the command `segment`")
    parser.add_argument("--mirror", choices=get_args(Mirror), default="auto", help="likewise")
    parser.add_argument("--overlap", type=float, default=0.5, help="likewise")
    parser.add_argument(
        "--labels",
        choices=get_args(LabelConvention),
        default="brats2023",
        help="of the label maps: ET is 4 or 3",
    )
    arguments = parser.parse_args()
    if arguments.workers is not None and arguments.workers < 1:
        parser.error("--workers must be 1 or more")
    if not 0 <= arguments.overlap < 1:
        parser.error("--overlap must be at least 0 and below 1")
    return arguments


if __name__ == "__main__":
    main()
