"""Time the metrics beside the published packages that define them, on the same masks in one run.

    python Training/benchmark_metrics.py --references DIR [--predictions DIR] [--cases 5]

Without predictions each reference is compared with itself moved by 3, 2 and 1 voxels. A package that is not installed
is named as missing. Medians of three, a region's two masks at a time, one process.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.segmentation.regions import REGIONS
from Training.evaluation.label_maps import find_label_maps, read_labels
from Training.metrics.brats2021 import brats2021
from Training.metrics.brats2023 import brats2023
from Training.metrics.nearest import Mask, Spacing
from Training.metrics.paper import paper
from Training.metrics.surfels import surfel_hd95

REPEATS = 3

Call = Callable[[Mask, Mask, Spacing], object]


def main() -> None:
    """Read the label maps, time, print a line for each metric and its published package."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--references", type=Path, required=True, help="folder of label maps")
    parser.add_argument("--predictions", type=Path, help="folder of label maps of the same cases")
    parser.add_argument("--cases", type=int, default=5, help="how many cases, the first ones by name")
    arguments = parser.parse_args()
    try:
        pairs = read_masks(arguments.references, arguments.predictions, arguments.cases)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(f"{len(pairs)} pairs of masks (cases times regions), seconds for all of them")
    for title, ours, package, theirs in comparisons():
        seconds = timed(ours, pairs)
        if theirs is None:
            print(f"{title}: {seconds:.2f}; {package} is missing")
        else:
            rival = timed(theirs, pairs)
            print(f"{title}: {seconds:.2f}; {package} {rival:.2f}; ratio {rival / seconds:.1f}")


def comparisons() -> list[tuple[str, Call, str, Call | None]]:
    """Return what is compared: its name, ours, the package and its way of doing the same, None if not installed."""
    medpy, monai = _load("medpy.metric.binary"), _load("monai.metrics")
    surfaces, torch = _load("surface_distance"), _load("torch")

    def by_medpy(prediction: Mask, reference: Mask, spacing: Spacing) -> object:
        return medpy.dc(prediction, reference), medpy.hd95(prediction, reference, voxelspacing=spacing)

    def by_monai(prediction: Mask, reference: Mask, spacing: Spacing) -> object:
        one_hot = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, reference)]
        options = {"include_background": True, "percentile": 95, "spacing": list(spacing)}
        return monai.compute_dice(*one_hot), monai.compute_hausdorff_distance(*one_hot, **options)

    def by_surfaces(prediction: Mask, reference: Mask, spacing: Spacing) -> object:
        distances = surfaces.compute_surface_distances(reference, prediction, spacing)
        return surfaces.compute_robust_hausdorff(distances, 95)

    return [
        ("paper: Dice and HD95", paper, "medpy", medpy and by_medpy),
        ("brats2021: Dice and HD95", brats2021, "MONAI", monai and by_monai),
        ("brats2023: HD95 of whole regions", surfel_hd95, "surface-distance", surfaces and by_surfaces),
        ("brats2023: all of it, lesion by lesion, against that one HD95", brats2023, "surface-distance",
         surfaces and by_surfaces),
    ]  # fmt: skip


def read_masks(references: Path, predictions: Path | None, cases: int) -> list[tuple[Mask, Mask, Spacing]]:
    """Return prediction, reference and spacing of each region that neither lacks. Raises SegMambaError."""
    found = find_label_maps(references)
    predicted = find_label_maps(predictions) if predictions is not None else {}
    pairs = []
    for case in sorted(found)[:cases]:
        reference = read_labels(found[case], case, None)
        prediction = read_labels(predicted[case], case, None) if case in predicted else None
        for region in REGIONS:
            mask = reference.regions[region]
            moved = np.roll(mask, (3, 2, 1), (0, 1, 2)) if prediction is None else prediction.regions[region]
            if mask.any() and moved.any():
                pairs.append((moved, mask, reference.spacing))
    return pairs


def timed(call: Call, pairs: list[tuple[Mask, Mask, Spacing]]) -> float:
    """Return the seconds that a metric takes for all pairs, the median of some repeats."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for pair in pairs:
            call(*pair)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


if __name__ == "__main__":
    main()
