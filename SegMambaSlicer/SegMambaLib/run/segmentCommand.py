"""The command line of one segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..inputs.roles import REFERENCE_ROLE


def segmentCommand(python: str, files: Mapping[str, Path], output: Path, model: str) -> list[str]:
    """Return the arguments of `python -m SegMambaCore segment`.

    files: the exported volume by role; output: the folder for the results; model: a name, or "" for the
    default.
    """
    inputs = [argument for role, path in files.items() for argument in (f"--{role}", str(path))]
    return [
        *(python, "-m", "SegMambaCore", "segment", *inputs),
        *("--output", str(output), "--reference", REFERENCE_ROLE, "--progress", "json"),
        *(("--model", model) if model else ()),
    ]
