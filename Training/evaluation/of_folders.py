"""Folders of label maps, whichever program made them: predictions against references."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path

from tqdm import tqdm

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.volume import Grid, Volume
from SegMambaCore.volume.write import write_volume
from Training.evaluation.label_maps import (
    LabelMap,
    Labels,
    find_label_maps,
    read_labels,
    reported_labels,
    run_of,
)
from Training.evaluation.processes import process_pool
from Training.evaluation.regions import compare_regions
from Training.evaluation.table import Row
from Training.metrics.brats2026 import brats2026, find_programs
from Training.metrics.conventions import CONVENTIONS

SAME_GRID_MM = 0.01
"""Programs round the affines that they write."""

Pair = tuple[Path, Path]


def pair_up(predictions: Path, references: Path, cases: Sequence[str] | None = None) -> dict[str, Pair]:
    """Return the files of prediction and reference of each case that has a reference, sorted by name.

    cases: take these alone.
    Raises SegMambaError naming cases without a prediction: left out, they would make a mean better than it is.
    """
    predicted, reference = find_label_maps(predictions), find_label_maps(references)
    wanted = sorted(reference) if cases is None else sorted(cases)
    for folder, found in ((references, reference), (predictions, predicted)):
        if missing := [case for case in wanted if case not in found]:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise SegMambaError(
                f"{folder}: holds no label map of {', '.join(missing[:5])}{more}.\n"
                "Every case counts: add what is missing, or name the cases to measure with --split."
            )
    return {case: (predicted[case], reference[case]) for case in wanted}


def evaluate_folders(
    pairs: dict[str, Pair],
    conventions: Sequence[str],
    *,
    labels: Labels | None = None,
    prediction_labels: Labels | None = None,
    brats2026_programs: Path | None = None,
    workers: int = 1,
) -> list[Row]:
    """Return a row for each case: its name, the convention of its labels, its two files, the sizes and every figure.

    Where SegMamba's report lies beside every prediction, also the network, the device, its memory, and the seconds of
    the phase "segment": the network and the way back to the reference's grid.
    conventions: names of `CONVENTIONS`, and brats2026. labels: that of the references; prediction_labels: that
    of the predictions, None for what SegMamba's report says, or else the same. brats2026_programs: the folder of
    that convention's programs, None to look along PATH. workers: processes at a time.
    Raises SegMambaError when a file cannot be read, holds labels it should not, or two grids differ.
    """
    programs = find_programs(brats2026_programs) if "brats2026" in conventions else None
    own = [name for name in conventions if name in CONVENTIONS]
    read = partial(read_pair, labels=labels, prediction_labels=prediction_labels)
    with process_pool(workers) as pool:
        jobs = [pool.submit(_measure_pair, read, case, pair, own) for case, pair in pairs.items()]
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), unit="case"):
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    rows = _with_reports([job.result() for job in jobs], pairs)
    if programs is not None:
        with tqdm(total=len(pairs), unit="case", desc="brats2026") as bar:
            theirs = brats2026(list(pairs), partial(_stage, read, pairs), programs, workers, bar.update)
        for row in rows:
            row.update(theirs[str(row["case"])])
    return rows


def read_pair(
    case: str, pair: Pair, labels: Labels | None, prediction_labels: Labels | None
) -> tuple[LabelMap, LabelMap]:
    """Read prediction and reference of a case.

    Raises SegMambaError, also when they do not lie on one grid.
    """
    reference = read_labels(pair[1], case, labels)
    prediction = read_labels(pair[0], case, prediction_labels or reported_labels(pair[0]) or labels)
    if not prediction.grid.matches(reference.grid, SAME_GRID_MM):
        raise SegMambaError(
            f"{pair[0]}: lies on another grid than {pair[1]}: {_describe(prediction.grid)} against"
            f" {_describe(reference.grid)}.\nResample the prediction onto the reference's grid first."
        )
    return prediction, reference


def _measure_pair(read: partial, case: str, pair: Pair, conventions: Sequence[str]) -> Row:
    prediction, reference = read(case, pair)
    row: Row = {"case": case, "labels": reference.read_as, "prediction_labels": prediction.read_as}
    row |= {"prediction": str(pair[0].resolve()), "reference": str(pair[1].resolve())}
    return row | compare_regions(prediction.regions, reference.regions, reference.spacing, conventions)


def _with_reports(rows: list[Row], pairs: dict[str, Pair]) -> list[Row]:
    """Add what the reports beside all predictions say of the run; nothing where one has none."""
    runs = [run for row in rows if (run := run_of(pairs[str(row["case"])][0])) is not None]
    if len(runs) < len(rows):
        return rows
    return [
        row
        | {"network": run.network, "device": run.device, "seconds": run.segment_seconds}
        | {"peak_gb": math.nan if run.peak_memory_gb is None else run.peak_memory_gb}
        for row, run in zip(rows, runs, strict=True)
    ]


def _stage(read: partial, pairs: dict[str, Pair], case: str, prediction: Path, reference: Path) -> None:
    ours, theirs = read(case, pairs[case])
    for label_map, path in ((ours, prediction), (theirs, reference)):
        write_volume(Volume(label_map.labels(), theirs.grid.affine, path.name), path)


def _describe(grid: Grid) -> str:
    k, j, i = grid.shape
    return f"{i} x {j} x {k} voxels of {' x '.join(f'{side:.3g}' for side in grid.spacing)} mm"
