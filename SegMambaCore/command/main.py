"""python -m SegMambaCore: the command line."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

from SegMambaCore import __version__
from SegMambaCore.command import (
    batch,
    benchmark,
    devices,
    follow_up,
    import_weights,
    models,
    register,
    sample,
    segment,
)
from SegMambaCore.command.parent import ending_with_parent
from SegMambaCore.errors import CancelledError, SegMambaError

COMMANDS = {
    "segment": (segment, "segment the tumor in four MRI volumes"),
    "batch": (batch, "segment a folder of patients"),
    "follow-up": (follow_up, "compare the segmented scans of one patient"),
    "register": (register, "lay one scan of a head onto another"),
    "devices": (devices, "list what the network can run on"),
    "models": (models, "list the models on this computer"),
    "import-weights": (import_weights, "convert PyTorch weights of the public SegMamba code"),
    "sample": (sample, "write a synthetic case to try SegMamba with"),
    "benchmark": (benchmark, "measure speeds on this computer"),
}

EXIT_ERROR = 1
EXIT_CANCELLED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 after a mistake of the user's, 130 when cancelled.

    A batch in which some patients could not be segmented returns 3.

    arguments: without the program's name; None takes those of the process. Mistakes are told in one to three
    lines on standard error. Exits with 2 when the arguments themselves are wrong.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that the console's code page cannot show must not turn a finished run into an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(arguments)
    try:
        with ending_with_parent():
            return args.run(args)
    except SegMambaError as error:
        print(error, file=sys.stderr)
        return EXIT_ERROR
    except CancelledError as cancelled:
        print(str(cancelled) or "Cancelled. Nothing was written.", file=sys.stderr)
        return EXIT_CANCELLED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_CANCELLED


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in the arguments in two lines; argparse would print all there are."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nAll options: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m SegMambaCore",
        description="Brain tumor segmentation from four MRI contrasts. For research use only.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run, usage_error=command.error)
    return parser
