"""Measure how raw studies are prepared, where the truth is known.

    python Training/measure_preparation.py simulated --data BRATS_FOLDER --cases 8 --protocol thick --output table.csv
    python Training/measure_preparation.py given --data STUDY --output table.csv

`simulated` gives real cases a synthetic skull and scalp, moves each contrast by up to 20 mm and 20 degrees from the
reference, cuts it to the protocol's slices with bias and noise, prepares and segments that, and says what registration,
brain mask and segmentation lose. `given` compares with the transforms and the segmentation that come with a study.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.library import find_model
from SegMambaCore.model_file.safetensors_file import read_model
from Training.evaluation.table import Row, write_table
from Training.raw_studies.given import measure_given
from Training.raw_studies.simulated import PROTOCOLS, measure_simulated


def main() -> None:
    """Read the arguments, measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["simulated", "given"])
    parser.add_argument("--data", type=Path, required=True, help="folder of cases, or of one study")
    parser.add_argument("--output", type=Path, required=True, help="CSV file to write")
    parser.add_argument("--model", help="name or file (default: the shipped one)")
    parser.add_argument("--cases", type=int, default=8, help="how many, spread over the folder")
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="thick")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        network, spec = read_model(find_model(arguments.model))
        if arguments.what == "given":
            rows = measure_given(arguments.data, network, spec)
            for row in rows:
                _tell(row)
        else:
            folders = sorted(path for path in arguments.data.iterdir() if path.is_dir())
            chosen = folders[:: max(1, len(folders) // arguments.cases)][: arguments.cases]
            rows = []
            for number, folder in enumerate(chosen):
                seed = arguments.seed + number
                rows.append(measure_simulated(folder, arguments.protocol, seed, network, spec))
                _tell(rows[-1])
        write_table(rows, arguments.output)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _tell(row: Row) -> None:
    cells = (
        f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
    )
    print("  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
