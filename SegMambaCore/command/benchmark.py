"""Speeds, each beside a rival in the same run: python -m SegMambaCore benchmark scan|network|case."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from SegMambaCore.errors import SegMambaError

if TYPE_CHECKING:
    import torch

REPEATS = {"cuda": 30, "cpu": 3}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to measure and where."""
    parser.add_argument(
        "what",
        choices=["scan", "network", "case"],
        help="the selective scan alone, whole networks, or the segment command from files to files",
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="(default: auto)")
    parser.add_argument("--folder", type=Path, help="of one case, for `case` (default: the synthetic sample)")
    parser.add_argument("--model", help="for `case`, as of the segment command")


def run(args: argparse.Namespace) -> int:
    """Measure and print a table; medians of repeated runs after a warm-up."""
    import torch

    device = args.device if args.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}")
    if args.what == "case":
        _case(device, args.folder, args.model)
    else:
        {"scan": _scan, "network": _network}[args.what](device)
    return 0


def _scan(device: str) -> None:
    """One direction at the four stages of `tom` for 128^3, every back end that can run here."""
    import torch

    from SegMambaCore.scan.selective_scan import BACKENDS, selective_scan, why_unavailable

    dtypes = [torch.float16, torch.float32] if device == "cuda" else [torch.float32]
    print(
        "| channels | tokens | dtype | back end | forward ms | backward ms |\n| --- | --- | --- | --- | --- | --- |"
    )
    for channels, length in [(96, 262144), (192, 32768), (384, 4096), (768, 512)]:
        for dtype in dtypes:
            tensors = _scan_inputs(channels, length, dtype, device)
            for backend in (b for b in BACKENDS if b not in ("auto", "reference")):
                if why_unavailable(backend, tensors[0], 16, needs_grad=False):
                    continue
                forward = partial(selective_scan, *tensors, backend=backend)  # type: ignore[arg-type]
                with torch.no_grad():
                    forward_ms = _median_ms(forward, device)
                row = f"| {channels} | {length} | {str(dtype)[6:]} | {backend} | {forward_ms:.3f} |"
                if why_unavailable(backend, tensors[0], 16, needs_grad=True):
                    print(f"{row} - |")
                    continue
                y = forward()
                backward_ms = _median_ms(partial(_gradients, y, tensors, torch.randn_like(y)), device)
                print(f"{row} {backward_ms:.3f} |", flush=True)


def _gradients(y: torch.Tensor, of: list[torch.Tensor], dy: torch.Tensor) -> tuple[torch.Tensor, ...]:
    import torch

    return torch.autograd.grad(y, of, dy, retain_graph=True)


def _scan_inputs(channels: int, length: int, dtype: torch.dtype, device: str) -> list[torch.Tensor]:
    import torch

    generator = torch.Generator(device).manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    tensors = [
        normal(1, length, channels).to(dtype),
        torch.nn.functional.softplus(normal(1, length, channels) - 4).to(dtype),
        -torch.arange(1.0, 17.0, device=device).repeat(channels, 1),
        normal(1, length, 16).to(dtype),
        normal(1, length, 16).to(dtype),
        torch.ones(channels, device=device),
    ]
    return [t.requires_grad_() for t in tensors]


def _network(device: str) -> None:
    """One forward at batch 1, 4 x 128^3, beside MONAI's SegResNet."""
    import torch
    from monai.networks.nets.segresnet import SegResNet

    from SegMambaCore.network.build import build_network

    networks: dict[str, Callable[[], torch.nn.Module]] = {
        "SegResNet f 16": lambda: SegResNet(init_filters=16, in_channels=4, out_channels=4),
        "SegResNet f 32": lambda: SegResNet(init_filters=32, in_channels=4, out_channels=4),
        "small": lambda: build_network("small"),
        "tom": lambda: build_network("tom"),
        "paper": lambda: build_network("paper"),
    }
    half = device == "cuda"
    print(f"| network | forward ms ({'fp16' if half else 'float32'}) | x SegResNet f 16 | peak GB |")
    print("| --- | --- | --- | --- |")
    rival = None
    for name, make in networks.items():
        network = make().eval().to(device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        x = torch.randn(1, 4, 128, 128, 128, device=device).contiguous(memory_format=torch.channels_last_3d)
        if half:
            torch.cuda.reset_peak_memory_stats()
        with torch.inference_mode(), torch.autocast(device, torch.float16, enabled=half):
            ms = _median_ms(partial(network, x), device)
        rival = rival or ms
        peak = f"{torch.cuda.max_memory_allocated() / 1e9:.2f}" if half else "-"
        print(f"| {name} | {ms:.1f} | {ms / rival:.2f} | {peak} |", flush=True)


def _case(device: str, folder: Path | None, model: str | None) -> None:
    """The segment command as a user starts it, a cold process each time, beside SegResNet f 16 on 128^3."""
    import torch
    from monai.networks.nets.segresnet import SegResNet

    from SegMambaCore.sample.phantom import write_sample

    rival = SegResNet(init_filters=16, in_channels=4, out_channels=4).eval().to(device)
    rival = rival.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    x = torch.randn(1, 4, 128, 128, 128, device=device).contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        rival_s = _median_ms(partial(rival, x), device) / 1000
    del rival, x

    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary) / "sample"
            write_sample(folder)
        command = [sys.executable, "-m", "SegMambaCore", "segment", str(folder), "--progress", "none"]
        command += ["--device", device, "--output", str(Path(temporary) / "result")]
        command += ["--model", model] if model else []
        runs = [_timed_process(command) for _ in range(3)]
    seconds = statistics.median(run[0] for run in runs)
    gigabytes = max(run[1] for run in runs)
    print("| four files to four files, s | SegResNet f 16, 128^3, one forward, s | ratio | peak GB |")
    print("| --- | --- | --- | --- |")
    print(f"| {seconds:.1f} | {rival_s:.2f} | {seconds / rival_s:.1f} | {gigabytes:.2f} |")


def _timed_process(command: list[str]) -> tuple[float, float]:
    """Run a program; return its wall time in seconds and its peak resident memory in GB."""
    start = time.perf_counter()
    process = psutil.Popen(command)
    peak = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            peak = max(peak, process.memory_info().rss)
        time.sleep(0.01)
    if process.returncode:
        raise SegMambaError(f"The command failed with exit code {process.returncode}: {' '.join(command)}")
    return time.perf_counter() - start, peak / 1e9


def _median_ms(call: Callable[[], object], device: str) -> float:
    import torch

    call()
    times = []
    for _ in range(REPEATS[device]):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
