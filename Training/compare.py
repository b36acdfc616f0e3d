"""The networks side by side.

    python Training/compare.py --describe

prints every network of the registry with its parameters and operations, as a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.errors import SegMambaError
from Training.describe import describe, markdown_table


def main() -> None:
    """Read the arguments, print the table line by line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--describe", action="store_true", required=True, help="parameters and operations of every network"
    )
    parser.parse_args()
    try:
        for line in markdown_table(describe()):
            print(line, flush=True)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
