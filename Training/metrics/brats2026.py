"""The convention of BraTS 2026: the programs `brats-evaluate` and `brats-parse-metrics`, which the user installs.

    python -m venv brats2026 && brats2026/bin/pip install brats-evaluation

That package is under the AGPL, so nothing of it is imported here: label maps go to its programs as files, and its
table comes back. Lesions are matched one to one; the means over lesions are over matched ones alone, and what was
missed or made up shows only in the counts tp, fn, fp and in f1. RC is the resection cavity, label 4 from 2024 on.
"""

from __future__ import annotations

import csv
import math
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from SegMambaCore.errors import SegMambaError
from Training.metrics.conventions import column_name

REGIONS = ("WT", "TC", "ET", "RC")

_METRICS = {
    "dice": "global_dsc",
    "hd95": "global_hd95",
    "nsd": "global_nsd",
    "matched_dice": "lesionwise_dsc_mean",
    "matched_hd95": "lesionwise_hd95_mean",
    "matched_nsd": "lesionwise_nsd_mean",
    "f1": "all_instance_f1",
    "tp": "all_instance_tp",
    "fp": "all_instance_fp",
    "fn": "all_instance_fn",
}
"""Our names of the figures, and the package's."""

Stage = Callable[[str, Path, Path], None]
"""Write the prediction and the reference of a case to two .nii.gz files with labels 1 NCR, 2 ED, 3 ET, 4 RC."""


@dataclass(frozen=True)
class Programs:
    """Where the two programs are."""

    evaluate: str
    parse: str


def find_programs(folder: Path | None) -> Programs:
    """Look for the two programs in a folder, along PATH without one. Raises SegMambaError when one is missing."""
    return Programs(_find("brats-evaluate", folder), _find("brats-parse-metrics", folder))


def brats2026(
    cases: Sequence[str], stage: Stage, programs: Programs, workers: int, done: Callable[[], object]
) -> dict[str, dict[str, float]]:
    """Return the figures of the glioma task for each case, by column; nan where the package has none.

    workers: how many programs run at a time, each on its share of the cases. done: called after every case.
    Raises SegMambaError when a program fails or leaves a case out.
    """
    shares = [cases[start::workers] for start in range(min(workers, len(cases)))]
    with TemporaryDirectory(prefix="brats2026-") as folder, ThreadPoolExecutor(max(len(shares), 1)) as pool:
        jobs = [
            pool.submit(_run_share, share, Path(folder) / str(n), stage, programs, done)
            for n, share in enumerate(shares)
        ]
        return {case: row for job in jobs for case, row in job.result().items()}


def _run_share(
    cases: Sequence[str], folder: Path, stage: Stage, programs: Programs, done: Callable[[], object]
) -> dict[str, dict[str, float]]:
    predictions, references = folder / "predictions", folder / "references"
    predictions.mkdir(parents=True)
    references.mkdir()
    # The program knows a case by five digits in its file's name and skips other names.
    file_names = {f"{number:05d}.nii.gz": case for number, case in enumerate(cases)}
    for name, case in file_names.items():
        stage(case, predictions / name, references / name)

    summary, table = folder / "summary.json", folder / "table.csv"
    paths = ["--ref_path", references, "--pred_path", predictions, "--summary_json", summary]
    _call([programs.evaluate, "--config", "gli", *map(str, paths)], summary, done)
    _call([programs.parse, "seg", "--json_path", str(summary), "--output_csv_path", str(table)], table, None)
    with table.open(encoding="utf-8", newline="") as lines:
        rows = {row["subject_id"]: row for row in csv.DictReader(lines)}
    if left_out := [case for name, case in file_names.items() if name not in rows]:
        raise SegMambaError(
            f"{programs.evaluate}: has no figures for {left_out[0]}. Run it on that case to see why."
        )
    return {case: _figures(rows[name]) for name, case in file_names.items()}


def _figures(row: dict[str, str]) -> dict[str, float]:
    return {
        column_name(metric, region, "brats2026"): float(row.get(f"{theirs}_{region.lower()}") or math.nan)
        for region in REGIONS
        for metric, theirs in _METRICS.items()
    }


def _call(command: list[str], result: Path, done: Callable[[], object] | None) -> None:
    """Run a program until it ends; it must have written its result, as it does not tell a failure otherwise."""
    said = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as program:
        assert program.stdout is not None
        for line in program.stdout:
            said.append(line.rstrip())
            if done is not None and "] Evaluating " in line:
                done()
    if program.returncode != 0 or not result.is_file():
        raise SegMambaError(f"{command[0]}: failed.\n" + "\n".join(said[-5:]))


def _find(name: str, folder: Path | None) -> str:
    path = shutil.which(name, path=str(folder) if folder is not None else None)
    if path is None:
        where = "along PATH" if folder is None else f"in {folder}"
        raise SegMambaError(
            f"{name}: there is no such program {where}. Install the package brats-evaluation into an environment"
            " of its own (it is under the AGPL) and give that environment's folder of programs with --brats2026."
        )
    return path
