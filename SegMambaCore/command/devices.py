"""List what the network can run on, with the time that the CPU would take."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the form of the answer."""
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def run(args: argparse.Namespace) -> int:
    """Print the devices, the one that `--device auto` takes first marked."""
    from SegMambaCore.inference.device_list import list_devices  # imports PyTorch

    found = list_devices()
    if args.json:
        print(json.dumps(asdict(found)))
        return 0
    for device in found.devices:
        mark = " (--device auto)" if device.name == found.automatic else ""
        print(f"{device.name}: {device.title}, {device.memory_gb:g} GB{mark}")
    if found.cuda_problem:
        print(f"CUDA is not used. {found.cuda_problem}")
    seconds = ", ".join(f"{network} {value:.0f} s" for network, value in found.cpu_seconds.items())
    print(f"One pass over a brain on the CPU, roughly: {seconds}")
    return 0
