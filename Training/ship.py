"""Put a trained model into the box: SegMambaCore/weights/NAME.safetensors and its line in SHA256SUMS.

    python Training/ship.py --model RUN/model.safetensors --name small-brats-44 --summary HELD_OUT_RUN/summary.csv

The held-out run's means and medians go into the file's metadata, in the convention of BraTS 2021 alone: a user who
picks a model should not have to tell conventions apart. Other weights in the box are removed: the repository carries
one file, and its history every file there ever was.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.safetensors_file import read_model, write_model
from SegMambaCore.whole_file import write_whole_file
from Training.metrics.conventions import convention_of

WEIGHTS = Path(__file__).resolve().parents[1] / "SegMambaCore" / "weights"
LARGEST_BYTES = 20 * 10**6
CONVENTION = "brats2021"
STATISTICS = ("mean", "median")


def main() -> None:
    """Read the arguments, ship, say what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="file written by Training/train.py")
    parser.add_argument("--name", required=True, help="what users will call it")
    parser.add_argument("--summary", type=Path, required=True, help="summary.csv of the held-out run")
    arguments = parser.parse_args()
    try:
        print(f"wrote {ship(arguments.model, arguments.name, arguments.summary)}")
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def ship(model: Path, name: str, summary: Path) -> Path:
    """Write the weights and the checksum; return the path of the weights.

    Raises SegMambaError when the model or the summary cannot be read, or the file would be too large.
    """
    network, spec = read_model(model)
    figures = _held_out_figures(summary)
    target = WEIGHTS / f"{name}.safetensors"
    old = [path for path in WEIGHTS.glob("*.safetensors") if path != target]
    write_model(network, replace(spec, name=name, figures={"held_out": figures}), target)
    data = target.read_bytes()
    if len(data) > LARGEST_BYTES:
        target.unlink()
        raise SegMambaError(f"{target}: {len(data)} bytes, more than the {LARGEST_BYTES} allowed.")
    for path in old:
        path.unlink()
    line = f"{hashlib.sha256(data).hexdigest()}  {target.name}\n"
    write_whole_file(WEIGHTS / "SHA256SUMS", line.encode())
    return target


def _held_out_figures(summary: Path) -> dict[str, dict[str, str]]:
    """Read the lines that a model file carries, by statistic and way of inference."""
    try:
        with summary.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["statistic"] in STATISTICS]
        return {
            f"{row['statistic']}, {row['mode']}, mirrors {row['mirror']}": {
                name: value
                for name, value in row.items()
                if name in ("cases", "seconds") or convention_of(name) == CONVENTION
            }
            for row in rows
        }
    except (OSError, KeyError) as error:
        raise SegMambaError(f"{summary}: is no summary of Training/evaluate.py ({error}).") from error


if __name__ == "__main__":
    main()
