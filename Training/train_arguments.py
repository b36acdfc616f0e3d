"""What can be said to Training/train.py on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path


def parse_arguments(description: str | None) -> argparse.Namespace:
    """Read the command line; a mistake in it ends the program with a word about it."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the configuration"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, help="in total, from the start of the process")
    parser.add_argument("--steps", type=int, help="in place of the configuration's epochs")
    cases = parser.add_mutually_exclusive_group(required=True)
    cases.add_argument("--split", type=Path, help="train on the training cases of this split alone")
    cases.add_argument("--all", action="store_true", help="train on every pack in the folder")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in the output folder, if any"
    )
    parser.add_argument("--start", type=Path, help="begin with the weights of this model file, not at random")
    return parser.parse_args()
