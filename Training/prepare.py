"""From BraTS and Task01_BrainTumour to the small files that training, evaluation and prediction read.

    python Training/prepare.py --data DIR [DIR ...] --output PACKS [--workers N] [--labels brats2021|brats2023]

Found by names, at any depth: folders of BraTS cases (2017 to 2021: NAME_t1 _t1ce _t2 _flair _seg; from 2023 on:
NAME-t1n -t1c -t2w -t2f -seg) and the Medical Segmentation Decathlon's Task01_BrainTumour (4D files and a dataset.json).
PACKS gets a file NAME.b2nd for each case and cases.csv, which says of every case what became of it. A case that cannot
be used is listed there and at the end, with the reason, and does not stop the rest.

Run again after an interruption: cases that have their file are skipped. To have one made anew, delete its file.
The exit code is 0 when at least one case can be used, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import SimpleITK as sitk
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import DiskFullError, SegMambaError
from Training.case_pack import PackFile, PackHead, pack_names, pack_path
from Training.data_sets.cases_table import CASES_FILE, NotUsed, write_cases
from Training.data_sets.duplicates import find_duplicates
from Training.data_sets.find import find_cases
from Training.data_sets.found_case import FoundCase
from Training.data_sets.pack_found_case import pack_found_case
from Training.evaluation.label_maps import LABELS
from Training.worker_pool import each_in_processes, workers_that_fit

_GIGABYTES_A_CASE = 1.5


def main() -> None:
    """Pack all cases, list those that cannot be used, report the total size."""
    arguments = _parse()
    try:
        found = [case for data in arguments.data for case in find_cases(data, arguments.labels)]
        not_used = prepare(found, arguments.output, arguments.workers)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one stopped.", file=sys.stderr)
        sys.exit(130)
    _report(arguments.output, not_used)
    if len(not_used) == len(found):
        sys.exit(1)


def prepare(found: list[FoundCase], output: Path, workers: int) -> list[NotUsed]:
    """Pack the cases that have no pack yet, in several processes; return those that cannot be used.

    Raises SegMambaError when the output cannot be written or the disk is full; what is done stays.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegMambaError(f"{output}: cannot be written to ({error.strerror}). Choose another.") from error
    by_name: dict[str, FoundCase] = {}
    not_used = []
    for case in found:
        first = by_name.setdefault(case.name, case)
        if first is not case:
            not_used.append(NotUsed(case, f"{first.place} has the same name."))

    waiting = [case for name, case in by_name.items() if not pack_path(output, name).exists()]
    done = each_in_processes(
        partial(pack_found_case, output=output), waiting, workers, initializer=_one_thread
    )
    with closing(done):
        for case in tqdm(done, total=len(waiting), unit="case", disable=not waiting):
            if isinstance(case.error, DiskFullError):
                raise case.error
            if case.error is not None:
                not_used.append(NotUsed(case.item, _reason(case.error)))

    not_used += _remove_copies(output, by_name)
    places = {name: case.place for name, case in by_name.items()}
    write_cases(output, _heads(output), places, not_used)
    return not_used


def _remove_copies(output: Path, by_name: dict[str, FoundCase]) -> list[NotUsed]:
    """Remove packs of the same scans but one: what was there before stays, BraTS stays rather than Task01."""
    heads = sorted(
        _heads(output), key=lambda head: (head.name in by_name, head.data_set != "BraTS", head.name)
    )
    copies = {copy: original for copy, original in find_duplicates(heads).items() if copy in by_name}
    for copy in copies:
        pack_path(output, copy).unlink()
    return [NotUsed(by_name[copy], f"the same scans as {original}.") for copy, original in copies.items()]


def _heads(folder: Path) -> list[PackHead]:
    return [PackFile(pack_path(folder, name)).head for name in pack_names(folder)]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SegMambaError) else f"{type(error).__name__}: {error}"


def _one_thread() -> None:
    """In each process: as many processes as cores are at work."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def _report(output: Path, not_used: list[NotUsed]) -> None:
    packs = [pack_path(output, name) for name in pack_names(output)]
    size = sum(path.stat().st_size for path in packs)
    print(f"{len(packs)} cases in {output}, {size / 2**20:.1f} MiB. {output / CASES_FILE} lists all.")
    for case in not_used:
        print(f"Not used: {case.case.name}: {case.reason}", file=sys.stderr)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders with cases, searched at any depth"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the packed cases")
    parser.add_argument(
        "--workers",
        type=int,
        default=workers_that_fit(_GIGABYTES_A_CASE),
        help="cases worked on at the same time (as many as cores and memory are good for: %(default)s)",
    )
    parser.add_argument(
        "--labels", choices=LABELS, help="what the labels mean of BraTS-like cases whose names tell no year"
    )
    arguments = parser.parse_args()
    if arguments.workers < 1:
        parser.error("--workers must be 1 or more")
    return arguments


if __name__ == "__main__":
    main()
