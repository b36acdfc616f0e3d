"""Compare two models on the same cases.

    python Training/paired_test.py --first A/cases.csv --second B/cases.csv --output paired.csv

Both tables are those of Training/evaluate.py. For every score of a convention that both hold: the means, the mean
difference (second - first) with its 95 % bootstrap interval over patients, Wilcoxon's signed-rank p, and p corrected
by Holm over the regions and metrics of the convention.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from Training.evaluation.paired import paired_tests
from Training.evaluation.table import read_table, write_table


def main() -> None:
    """Read the arguments, compare, write the table and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=Path, required=True, help="cases.csv of one model")
    parser.add_argument("--second", type=Path, required=True, help="cases.csv of the other")
    parser.add_argument("--output", type=Path, required=True, help="CSV file to write")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    arguments = parser.parse_args()
    try:
        rows = paired_tests(read_table(arguments.first), read_table(arguments.second), arguments.seed)
        write_table(rows, arguments.output)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for row in rows:
        print(
            f"{row['column']}: {row['mean_first']:.4g} -> {row['mean_second']:.4g}, difference"
            f" {row['mean_difference']:+.4g} [{row['ci95_low']:+.4g}, {row['ci95_high']:+.4g}],"
            f" p {row['p']:.3g}, Holm {row['p_holm']:.3g} ({row['patients']} patients)"
        )


if __name__ == "__main__":
    main()
