"""Find how one scan of a head has to be moved to lie on another, and write it as a transform file."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SegMambaCore.command.cancel import cancel_on_signal
from SegMambaCore.command.failure import failure_told
from SegMambaCore.command.output_folder import check_output_folder
from SegMambaCore.command.progress import Progress, make_progress
from SegMambaCore.errors import SegMambaError
from SegMambaCore.registration.rigid import RigidRegistration, register_rigid
from SegMambaCore.registration.transform_file import SUFFIXES, write_transform
from SegMambaCore.volume.read import read_volume


@dataclass(frozen=True)
class RegisterOutcome:
    """What the command ends with."""

    output: Path
    registration: RigidRegistration
    seconds: float

    def for_programs(self) -> dict[str, Any]:
        """See `Outcome`."""
        found = self.registration
        return {
            "output": str(self.output),
            "matrix": found.matrix.tolist(),
            "mutual_information": round(found.mutual_information, 4),
            "margin": round(found.margin, 4),
            "overlap": round(found.overlap, 4),
            "doubtful": found.is_doubtful,
            "seconds": round(self.seconds, 1),
        }

    def for_people(self) -> list[str]:
        """See `Outcome`."""
        found = self.registration
        return [
            f"{self.output}: rigid transform, moving to fixed (3D Slicer: load it, put the moving volume under it)",
            f"Mutual information {found.mutual_information:.2f} nats; the next best place has"
            f" {100 * found.margin:.0f} % less. {100 * found.overlap:.0f} % of the fixed head is in both.",
            f"{self.seconds:.1f} s. Compare the two volumes before you rely on it.",
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two volumes and the file."""
    parser.add_argument("--fixed", type=Path, required=True, metavar="FILE", help="the scan that stays")
    parser.add_argument("--moving", type=Path, required=True, metavar="FILE", help="the scan to lay onto it")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="ITK transform file (.tfm) to write"
    )
    parser.add_argument(
        "--progress", choices=["bar", "json", "none"], default="bar", help="for people, programs or nobody"
    )


def run(args: argparse.Namespace) -> int:
    """Register and write the file.

    Raises SegMambaError for what the user can mend, CancelledError when asked to stop; then there is no file.
    """
    if args.output.suffix not in SUFFIXES:
        args.usage_error(f"--output has to end in {' or '.join(SUFFIXES)}, not {args.output.name}")
    progress = make_progress(args.progress)
    with failure_told(progress.error), cancel_on_signal() as is_cancelled:
        outcome = _register(args, progress, is_cancelled)
    progress.result(outcome)
    return 0


def _register(args: argparse.Namespace, progress: Progress, is_cancelled: Any) -> RegisterOutcome:
    started = time.perf_counter()
    check_output_folder(args.output.absolute().parent)
    if args.output.is_dir():
        raise SegMambaError(f"Output {args.output}: this is a folder, not a file. Choose another name.")
    if args.moving.exists() and args.moving.resolve() == args.fixed.resolve():
        raise SegMambaError(f"{args.moving}: both scans are this one. Give two different ones.")
    progress.phase("read")
    fixed, moving = read_volume(args.fixed), read_volume(args.moving)
    progress.phase("register")
    began = time.perf_counter()

    def tell(done: int, total: int) -> None:
        seconds_a_step = (time.perf_counter() - began) / done
        progress.progress(done, total, seconds_a_step * (total - done))

    found = register_rigid(fixed, moving, tell, is_cancelled)
    if found.is_doubtful:
        progress.warning(
            f"It is not clear how {moving.name} lies on {fixed.name}: another place fits nearly as well, or"
            " little of the head is in both. Compare the two before you rely on it."
        )
    progress.phase("write")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    write_transform(found.matrix, args.output)
    return RegisterOutcome(args.output, found, time.perf_counter() - started)
