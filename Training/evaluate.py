"""Measure a model on the held-out cases of a split.

    python Training/evaluate.py --model FILE --data PACKS --split Training/configs/split_44.json --output DIR

Writes cases.csv, a line for each case and way of inference, and summary.csv with means and medians over the
cases. Metrics are taken on the box around the brain, where the model works.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, median
from typing import get_args

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings, Mirror, Mode
from SegMambaCore.model_file.safetensors_file import read_model
from SegMambaCore.segmentation.decide import decide
from SegMambaCore.segmentation.regions import REGIONS, regions_from_label_map
from SegMambaCore.whole_file import write_whole_file
from Training.case_pack import SUFFIX, pack_path, read_pack
from Training.metrics import dice, hd95
from Training.split import read_split

Masks = dict[str, NDArray[np.bool_]]
Row = dict[str, str | float]

WAYS: tuple[tuple[Mode, Mirror], ...] = (("windows", "all"), ("onepass", "none"), ("onepass", "all"))
"""A GPU's default, a CPU's default, and what mirrors would add to the latter."""

METRICS = {
    f"{metric}_{region}_brats2021{unit}": (metric, region)
    for metric, unit in (("dice", ""), ("hd95", "_mm"))
    for region in REGIONS
}


def main() -> None:
    """Read the arguments, evaluate, write the two tables, print the summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--mode", choices=[mode for mode in get_args(Mode) if mode != "auto"], help="only this one"
    )
    arguments = parser.parse_args()
    try:
        names = read_split(arguments.split).held_out
        paths = [pack_path(arguments.data, name) for name in names]
        ways = [(mode, mirror) for mode, mirror in WAYS if arguments.mode in (None, mode)]
        rows = sorted(evaluate(arguments.model, paths, ways, arguments.device), key=_way_then_case)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)

    summary = summarise(rows)
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_table(rows, arguments.output / "cases.csv")
    write_table(summary, arguments.output / "summary.csv")
    for line in summary:
        print(
            "  ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else str(value)
                for key, value in line.items()
            )
        )


def evaluate(model: Path, packs: list[Path], ways: list[tuple[Mode, Mirror]], device: str) -> list[Row]:
    """Return a row for each case and way: its name, mode, mirror, seconds and the metrics.

    Distances are computed by threads while the network goes on to the next case.
    Raises SegMambaError when the model or a pack cannot be read, or the model was trained on one of the cases.
    """
    network, spec = read_model(model)
    names = [path.name.removesuffix(SUFFIX) for path in packs]
    if seen := sorted(set(names) & set(spec.cases)):
        raise SegMambaError(
            f"{model}: was trained on {len(seen)} of the {len(names)} cases to measure it on ({seen[0]}, ...).\n"
            "Measure a model that was trained with --split on the held-out cases of that split."
        )
    with ThreadPoolExecutor() as pool:
        cases = pool.map(read_pack, packs)
        jobs = []
        for pack in cases:
            reference = regions_from_label_map(pack.labels, "brats2023", pack.name)
            tensor = pack.tensor()
            for mode, mirror in ways:
                settings = InferenceSettings(mode=mode, mirror=mirror, device=device)
                prediction = predict(network, spec, tensor, settings)
                masks = decide(prediction.probabilities, spec)
                row: Row = {"case": pack.name, "mode": mode, "mirror": mirror, "seconds": prediction.seconds}
                print(f"{pack.name} {mode} {mirror} {prediction.seconds:.2f} s", flush=True)
                jobs.append((row, pool.submit(measure, masks, reference, spec.spacing)))
        return [row | metrics.result() for row, metrics in jobs]


def measure(prediction: Masks, reference: Masks, spacing: tuple[float, float, float]) -> Row:
    """Return the size of each region, as text, and every metric in the columns of METRICS."""
    voxels: Row = {}
    for region in REGIONS:
        voxels[f"voxels_{region}"] = str(np.count_nonzero(prediction[region]))
        voxels[f"reference_voxels_{region}"] = str(np.count_nonzero(reference[region]))
    functions = {"dice": dice, "hd95": lambda a, b: hd95(a, b, spacing)}
    return voxels | {
        column: functions[metric](prediction[region], reference[region])
        for column, (metric, region) in METRICS.items()
    }


def summarise(rows: list[Row]) -> list[Row]:
    """Return mean and median of every metric over the cases, for each way of inference."""
    summary: list[Row] = []
    for mode, mirror in dict.fromkeys((row["mode"], row["mirror"]) for row in rows):
        of_way = [row for row in rows if (row["mode"], row["mirror"]) == (mode, mirror)]
        for name, average in (("mean", mean), ("median", median)):
            line: Row = {"statistic": name, "cases": str(len(of_way)), "mode": mode, "mirror": mirror}
            summary.append(
                line
                | {column: average(float(row[column]) for row in of_way) for column in ("seconds", *METRICS)}
            )
    return summary


def write_table(rows: list[Row], path: Path) -> None:
    """Write rows of the same keys as a CSV file, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()}
        )
    write_whole_file(path, text.getvalue().encode("utf-8"))


def _way_then_case(row: Row) -> tuple[int, str]:
    ways = [(str(mode), str(mirror)) for mode, mirror in WAYS]
    return ways.index((str(row["mode"]), str(row["mirror"]))), str(row["case"])


if __name__ == "__main__":
    main()
