"""What the user chooses for a segmentation, whether of one case or of many."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from SegMambaCore.case.case import ROLES
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.segmentation.regions import LabelConvention


@dataclass(frozen=True)
class Choices:
    """model: a name or a file, None for the default. reference: the role whose grid the result has.

    preparation: whether sequences are registered and the brain is found, where the volumes need it.
    keep_preparation: whether the transforms and the brain's mask are written, too.
    """

    settings: InferenceSettings
    model: str | None
    reference: str
    labels: LabelConvention
    preparation: bool = True
    keep_preparation: bool = False


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options for model, device, inference, result and progress."""
    parser.add_argument("--model", help="name or .safetensors file (default: the first that `models` lists)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    parser.add_argument(
        "--mode",
        choices=["auto", "windows", "onepass"],
        default="auto",
        help="overlapping patches, or the whole brain at once (default: patches on a GPU, at once on a CPU)",
    )
    parser.add_argument(
        "--mirror",
        choices=["auto", "none", "leftright", "all"],
        default="auto",
        help="average over 1, 2 or 8 reflections (default: all on a GPU, none on a CPU)",
    )
    parser.add_argument(
        "--overlap", type=float, default=0.5, help="of neighboring patches, 0 to 1 (default: 0.5)"
    )
    parser.add_argument(
        "--reference",
        choices=ROLES,
        default="t1c",
        help="the volume whose voxels the result has (default: t1c)",
    )
    parser.add_argument(
        "--labels",
        choices=["brats2021", "brats2023"],
        default="brats2023",
        help="label of enhancing tumor in the label map: 4 or 3 (default: brats2023)",
    )
    parser.add_argument(
        "--no-preparation",
        action="store_true",
        help="take the volumes as they are: do not register sequences, do not remove the skull",
    )
    parser.add_argument(
        "--keep-preparation",
        action="store_true",
        help="write the transforms and the brain mask, too",
    )
    parser.add_argument(
        "--progress", choices=["bar", "json", "none"], default="bar", help="for people, programs or nobody"
    )


def read_choices(args: argparse.Namespace) -> Choices:
    """Return what was chosen; ends the program with a usage error where it is out of range."""
    try:
        settings = InferenceSettings(args.mode, args.mirror, args.overlap, args.device)
    except ValueError as error:
        args.usage_error(str(error))
    return Choices(
        settings, args.model, args.reference, args.labels, not args.no_preparation, args.keep_preparation
    )
