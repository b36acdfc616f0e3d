"""Write a synthetic case: a head-like phantom with a tumor in four contrasts, and its true label map."""

from __future__ import annotations

import argparse
from pathlib import Path

from SegMambaCore.command.output_folder import check_output_folder
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.sample.raw import make_raw_sample
from SegMambaCore.sample.write import write_sample


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to write it, and as what."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder for the files")
    parser.add_argument(
        "--dicom",
        action="store_true",
        help="a DICOM study as an archive gives it out, with other series beside the four",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="as scanners deliver it: with skull, the patient moved between the sequences, thick slices, noise",
    )


def run(args: argparse.Namespace) -> int:
    """Write the case, and say how to segment it."""
    check_output_folder(args.folder)
    if args.dicom:
        # pydicom takes a while to import.
        from SegMambaCore.sample.dicom_study import write_dicom_study

        case = make_raw_sample().case if args.raw else make_phantom()[0]
        print(write_dicom_study(case, args.folder))
    else:
        for path in write_sample(args.folder, raw=args.raw).values():
            print(path)
    print(f"Segment it with: python -m SegMambaCore segment {args.folder} --output DIR")
    return 0
