"""Measure speeds and memory on this computer, beside other networks and beside what it could do at best."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from SegMambaCore.errors import SegMambaError

if TYPE_CHECKING:
    from SegMambaCore.benchmark.machine import Machine
    from SegMambaCore.benchmark.report import Report

CPU_TRAINING_PATCH = 32
"""Side of the patch on a CPU, where a step on the configuration's own would take minutes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to measure, where, beside what, and where the figures go."""
    parser.add_argument(
        "what",
        choices=["scan", "network", "training", "case", "start"],
        help="one direction of the scan; a forward pass of whole networks; a training step; a patient from "
        "files to files; how long the command takes to begin",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default: auto)")
    parser.add_argument("--peers", action="store_true", help="measure other networks and packages too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="side of the volumes for `network` and `training` (default: 128)",
    )
    parser.add_argument(
        "--sizes", action="store_true", help="for `network`: the cost against the size, 64^3 to 256^3"
    )
    parser.add_argument("--plot", type=Path, metavar="PNG", help="with --sizes: draw it there")
    parser.add_argument(
        "--folder", type=Path, help="of one case, for `case` and `start` (default: the sample)"
    )
    parser.add_argument("--model", help="for `case`, as of the segment command")
    parser.add_argument(
        "--memory-gb",
        type=float,
        metavar="GB",
        help="use no more of the GPU's memory, as a smaller one would",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print the table, write the figures. Raises SegMambaError for what the user can mend."""
    if args.plot and not args.sizes:
        args.usage_error("--plot belongs to --sizes")
    if args.sizes and args.what != "network":
        args.usage_error("--sizes belongs to `network`")
    if args.size is not None and args.size < 1:
        args.usage_error("--size must be at least 1")

    import torch

    from SegMambaCore.benchmark.machine import measure_machine
    from SegMambaCore.benchmark.report import Report
    from SegMambaCore.inference.device import choose_device, device_name

    device = choose_device(args.device)
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    report = Report(args.what, device_name(device), torch.__version__)
    if args.memory_gb:
        _cap_memory(device, args.memory_gb)
        report.notes.append(f"PyTorch was kept to {args.memory_gb:g} GB of the GPU's memory.")
    if args.what in ("scan", "network", "training"):
        half = torch.bfloat16 if args.what == "training" else torch.float16
        machine = measure_machine(device, half if device.startswith("cuda") else torch.float32)
        report.machine.update(machine.for_json())
        _measure_kernels(args, report, machine)
    else:
        _measure_processes(args, report, device)
    print(report.text())
    if args.json:
        report.write_json(args.json)
    if args.plot:
        from SegMambaCore.benchmark.sizes import draw_sizes

        draw_sizes(report, args.plot)
    return 0


def _measure_kernels(args: argparse.Namespace, report: Report, machine: Machine) -> None:
    """In this process, with bounds from the machine's own rates."""
    import torch

    on_gpu = machine.device.startswith("cuda")
    size = (args.size or 128,) * 3
    if args.what == "scan":
        from SegMambaCore.benchmark.scan import measure_scan

        dtypes = [torch.float16, torch.float32] if on_gpu else [torch.float32]
        measure_scan(report, machine, dtypes, peers=args.peers)
    elif args.sizes:
        from SegMambaCore.benchmark.sizes import measure_sizes

        measure_sizes(report, machine, peers=args.peers)
    elif args.what == "network":
        from SegMambaCore.benchmark.network import measure_networks

        measure_networks(report, machine, size, peers=args.peers)
    else:
        try:
            # The one place where the core reaches for the trainer, which is no part of an installation.
            training = importlib.import_module("Training.step_benchmark")
        except ImportError as error:
            raise SegMambaError(
                "Training steps are measured from a checkout of the repository, which holds Training/: "
                f"start the command there ({error})."
            ) from error
        patch = size if args.size or on_gpu else (CPU_TRAINING_PATCH,) * 3
        training.measure_training(report, machine, patch, peers=args.peers)


def _measure_processes(args: argparse.Namespace, report: Report, device: str) -> None:
    """As users start the commands."""
    if args.what == "start":
        from SegMambaCore.benchmark.start import measure_start

        measure_start(report, device, args.folder)
        return
    from SegMambaCore.benchmark.case import measure_case

    if args.memory_gb:
        report.notes.append("The commands themselves are left out: no limit reaches a process of its own.")
    measure_case(report, device, args.folder, args.model, peers=args.peers, processes=args.memory_gb is None)


def _cap_memory(device: str, gigabytes: float) -> None:
    import torch

    if not device.startswith("cuda"):
        raise SegMambaError("--memory-gb limits a GPU's memory; this benchmark runs on the CPU.")
    fraction = 1e9 * gigabytes / torch.cuda.get_device_properties(device).total_memory
    if not 0 < fraction <= 1:
        raise SegMambaError(
            f"--memory-gb {gigabytes:g}: the GPU has no more than {gigabytes / fraction:.0f} GB."
        )
    torch.cuda.set_per_process_memory_fraction(fraction, device)
