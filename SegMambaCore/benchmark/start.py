"""How long a command takes to begin: its import, PyTorch's, and the time to the first window of a network."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from SegMambaCore.benchmark.processes import run_python
from SegMambaCore.benchmark.report import Report, Row
from SegMambaCore.sample.write import write_sample

RUNS = 3

IMPORTS = {
    "Python itself": "pass",
    "the command, all of it before PyTorch": "import SegMambaCore.command.main",
    "PyTorch": "import torch",
    "PyTorch and the networks": "import torch, SegMambaCore.network.build, SegMambaCore.inference.predict",
}


def measure_start(report: Report, device: str, folder: Path | None) -> None:
    """Add the rows to the report: processes of their own, each started three times.

    folder: of one case; None takes the synthetic sample.
    """
    for what, code in IMPORTS.items():
        report.rows.append(_row(f"import: {what}", [run_python(["-c", code]).seconds for _ in range(RUNS)]))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if folder is None:
            folder = work / "sample"
            write_sample(folder)
            report.notes.append("The case is the synthetic sample.")
        arguments = ["-m", "SegMambaCore", "segment", str(folder), "--progress", "json", "--device", device]
        runs = [run_python([*arguments, "--output", str(work / f"result-{n}")]) for n in range(RUNS)]
    starts = [run.first("phase", phase="segment") for run in runs]
    report.rows.extend(
        [
            _row("segment: volumes and network are ready", starts),
            _row("segment: first step of the network done", [run.first("progress") for run in runs]),
            _row("segment: files on disk", [run.seconds for run in runs]),
        ]
    )


def _row(what: str, seconds: list[float]) -> Row:
    median = statistics.median(seconds)
    return {
        "what": what,
        "seconds after the process began": median,
        "spread": (max(seconds) - min(seconds)) / median,
    }
