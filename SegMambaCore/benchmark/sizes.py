"""What a forward pass costs against the size of the volume: time and memory, as rows and as a plot."""

from __future__ import annotations

import io
import math
from pathlib import Path

import psutil
import torch

from SegMambaCore.benchmark.machine import Machine
from SegMambaCore.benchmark.network import AsInference, Size
from SegMambaCore.benchmark.peers import make_peers
from SegMambaCore.benchmark.report import Report, Row
from SegMambaCore.benchmark.timing import peak_memory_gb, time_call
from SegMambaCore.network.build import build_network
from SegMambaCore.whole_file import write_whole_file

SIZES: tuple[Size, ...] = (
    (64, 64, 64),
    (96, 96, 96),
    (128, 128, 128),
    (160, 160, 160),
    (192, 192, 192),
    (155, 240, 240),
    (224, 224, 224),
    (256, 256, 256),
)
"""By the number of voxels; 155 x 240 x 240 is a whole head of BraTS."""

OURS = ("small", "tom")


def measure_sizes(report: Report, machine: Machine, *, peers: bool) -> None:
    """Add a row a network and size. What does not fit into memory is left out with a note."""
    for name in OURS:
        _measure(report, machine, name, AsInference(build_network(name), machine.device))
    for name, network in make_peers(report.missing) if peers else []:
        _measure(report, machine, name, AsInference(network, machine.device))


def _measure(report: Report, machine: Machine, name: str, network: AsInference) -> None:
    bytes_per_voxel = 0.0
    for size in SIZES:
        text = " x ".join(map(str, size))
        needed, free = bytes_per_voxel * math.prod(size), psutil.virtual_memory().available
        # A GPU says at once when it has no memory left; an operating system would swap for minutes.
        if machine.device == "cpu" and needed > free:
            report.notes.append(
                f"{name}, {text}: left out, it needs about {needed / 1e9:.1f} GB and {free / 1e9:.1f} are free."
            )
            continue
        try:
            row = _row(machine, name, network, size, text)
        except torch.cuda.OutOfMemoryError:
            report.notes.append(f"{name}, {text}: left out, memory ran out.")
            torch.cuda.empty_cache()
            continue
        report.rows.append(row)
        bytes_per_voxel = 1e9 * row["peak GB"] / math.prod(size)


def _row(machine: Machine, name: str, network: AsInference, size: Size, text: str) -> Row:
    with torch.inference_mode():
        inputs = network.inputs(size, machine.device)
        network(inputs[0])
        peak = peak_memory_gb(lambda: network(inputs[0]), machine.device)
        timing = time_call(lambda i: network(inputs[i % 2]), machine.device)
    megavoxels = math.prod(size) / 1e6
    return {
        "network": name,
        "size": text,
        "Mvoxel": round(megavoxels, 3),
        "ms": timing.milliseconds,
        "spread": timing.spread,
        "ms a Mvoxel": timing.milliseconds / megavoxels,
        "peak GB": peak,
        "GB a Mvoxel": peak / megavoxels,
    }


def draw_sizes(report: Report, path: Path) -> None:
    """Draw time and memory against voxels, both axes logarithmic, with the slope of a linear cost. Writes a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for axes, column in zip(figure.subplots(1, 2), ("ms", "peak GB"), strict=True):
        for name in dict.fromkeys(row["network"] for row in report.rows):
            rows = sorted(
                (row for row in report.rows if row["network"] == name), key=lambda row: row["Mvoxel"]
            )
            voxels = [row["Mvoxel"] for row in rows]
            (line,) = axes.loglog(voxels, [row[column] for row in rows], marker="o", label=name)
            last = rows[-1]
            axes.loglog(
                voxels,
                [last[column] * x / last["Mvoxel"] for x in voxels],
                linestyle=":",
                color=line.get_color(),
            )
        measured = sorted({row["Mvoxel"] for row in report.rows})
        axes.set_xticks(measured, [f"{voxels:.2g}" for voxels in measured], rotation=45)
        axes.set_xticks([], minor=True)
        axes.set_xlabel("million voxels (dotted: linear cost)")
        axes.set_ylabel("ms a forward pass" if column == "ms" else "peak memory in GB")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend()
    figure.suptitle(f"{report.device}, torch {report.torch}, {report.date[:10]}")
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    write_whole_file(path, content.getvalue())
