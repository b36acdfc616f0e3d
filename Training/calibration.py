"""How honest a model's probabilities are, on the cases that a split holds out.

    python Training/calibration.py --model FILE --data PACKS --split Training/configs/split_44.json --output DIR

Writes DIR/calibration.csv (for WT, TC and ET: expected calibration error and Brier score), DIR/reliability.csv (the
bins) and DIR/reliability.png. Two sets of voxels: the brain, where most are easy, and the surroundings of the tumor,
within 10 voxels of it in the reference or in the prediction, where it matters.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.segmentation.region_probabilities import region_probabilities
from SegMambaCore.segmentation.regions import REGIONS, regions_from_label_map
from SegMambaCore.whole_file import write_whole_file
from Training.case_pack import pack_path, read_pack
from Training.evaluation.of_model import read_unseeing
from Training.evaluation.reliability import Reliability
from Training.evaluation.table import Row, write_table
from Training.split import read_split

NEAR_VOXELS = 10.0
PLACES = ("brain", "around the tumor")

Key = tuple[str, str]
"""Region and place."""


def main() -> None:
    """Read the arguments, measure, write tables and plot, print the first table."""
    arguments = _parse()
    try:
        packs = [pack_path(arguments.data, name) for name in read_split(arguments.split).held_out]
        settings = InferenceSettings(mode=arguments.mode, mirror=arguments.mirror, device=arguments.device)
        found = measure(arguments.model, packs, settings)
        arguments.output.mkdir(parents=True, exist_ok=True)
        rows = _summary(found, len(packs))
        write_table(rows, arguments.output / "calibration.csv")
        write_table(_bins(found), arguments.output / "reliability.csv")
        write_whole_file(arguments.output / "reliability.png", plot(found))
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for row in rows:
        print(
            f"{row['region']}, {row['voxels_of']}: expected calibration error {row['ece']:.4f},"
            f" Brier {row['brier']:.4f}"
        )


def measure(
    models: Sequence[Path], packs: Sequence[Path], settings: InferenceSettings
) -> dict[Key, Reliability]:
    """Return the bins of each region and place, over all cases.

    Raises SegMambaError when a model or a pack cannot be read, or a model was trained on one of the cases.
    """
    network, spec = read_unseeing(models, packs)
    ready = PreparedNetwork(network)
    found = {(region, place): Reliability() for region in REGIONS for place in PLACES}
    for path in tqdm(packs, unit="case"):
        pack = read_pack(path)
        truth = regions_from_label_map(pack.labels, "brats2023", pack.name)
        outputs = predict(ready, spec, pack.tensor(), settings).probabilities
        probabilities = region_probabilities(outputs, spec)
        brain = pack.codes.any(axis=0)
        near = brain & _near(truth["WT"] | (probabilities["WT"] >= 0.5))
        for region in REGIONS:
            for place, voxels in zip(PLACES, (brain, near), strict=True):
                found[region, place].add(probabilities[region][voxels], truth[region][voxels])
    return found


def plot(found: Mapping[Key, Reliability]) -> bytes:
    """Return a PNG: a panel a region, share that is right against probability, voxels around the tumor."""
    figure = Figure(figsize=(10, 3.6), layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    for axes, region in zip(figure.subplots(1, len(REGIONS), sharey=True), REGIONS.values(), strict=True):
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
        reliability = found[region.key, PLACES[1]]
        probability, right = reliability.curve()
        axes.plot(probability, right, color="#0072B2", marker="o", markersize=3.5, linewidth=1.2)
        axes.set_title(f"{region.title} ({region.key})", fontsize=10)
        axes.set_xlabel("probability")
        axes.text(0.04, 0.93, f"ECE {reliability.expected_calibration_error:.3f}", transform=axes.transAxes)
        axes.text(0.04, 0.85, f"Brier {reliability.brier:.3f}", transform=axes.transAxes)
        axes.set_aspect("equal")
        axes.grid(color="#e2e2e2", linewidth=0.6)
    figure.axes[0].set_ylabel("share of voxels that belong to it")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _near(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not mask.any():
        return mask
    near: NDArray[np.bool_] = distance_transform_edt(~mask) <= NEAR_VOXELS
    return near


def _summary(found: Mapping[Key, Reliability], cases: int) -> list[Row]:
    return [
        {
            "region": region,
            "voxels_of": place,
            "cases": str(cases),
            "ece": reliability.expected_calibration_error,
            "brier": reliability.brier,
        }
        for (region, place), reliability in found.items()
        if reliability.count.sum()
    ]


def _bins(found: Mapping[Key, Reliability]) -> list[Row]:
    rows: list[Row] = []
    for (region, place), reliability in found.items():
        for voxels, probability, right in zip(reliability.count, *reliability.curve(), strict=True):
            row: Row = {"region": region, "voxels_of": place, "voxels": str(int(voxels))}
            rows.append(row | {"mean_probability": float(probability), "share_right": float(right)})
    return rows


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="several answer together")
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--mode", choices=["windows", "onepass"], default="onepass")
    parser.add_argument("--mirror", choices=["none", "leftright", "all"], default="none")
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
