"""How long a call takes: warmed up, repeated, in two runs, and how much memory it holds at its peak."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil
import torch

Result = TypeVar("Result")
Call = Callable[[int], object]
"""Does the work once. It gets the number of the call, to take its inputs by: a cache must not know them yet."""

RUNS = 2
WARM_UP = 3
MOST_REPEATS = 50


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call.

    milliseconds: the median over all calls. fastest: of them all. spread: by how much of the median the runs' own
    medians differ, 0.05 is 5 %.
    """

    milliseconds: float
    fastest: float
    spread: float


def time_call(call: Call, device: str, *, seconds: float = 0.1) -> Timing:
    """Time a call, about so many seconds in each of two runs, at least once in each.

    On CUDA by the GPU's own clock, calls queued one behind the other: what counts is the GPU's time, or the time
    of launching where the GPU waits for that.
    """
    expected = _warm_up(call, device)
    repeats = int(min(max(seconds / expected, 1 if expected > 1 else 2), MOST_REPEATS))
    return _timing([_on_gpu_clock(call, device, repeats) for _ in range(RUNS)])


def time_on_host(call: Call, device: str) -> Timing:
    """Time a call by the clock on the wall, once in each of two runs; of a GPU all work is waited for."""
    return _timing([_on_wall_clock(call, device, 1) for _ in range(RUNS)])


def _timing(runs: list[list[float]]) -> Timing:
    times = [time for run in runs for time in run]
    median = statistics.median(times)
    medians = [statistics.median(run) for run in runs]
    return Timing(median, min(times), (max(medians) - min(medians)) / median)


def peak_memory_gb(call: Callable[[], object], device: str) -> float:
    """Return GB (1e9 bytes) at the peak of one call: of all tensors on a GPU; on a CPU what the process grew by.

    CUDA graphs count with all the memory that they keep, used or not.
    """
    return with_peak_memory(call, device)[1]


def with_peak_memory(call: Callable[[], Result], device: str) -> tuple[Result, float]:
    """Return what a call returns, and its `peak_memory_gb`."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        result = call()
        torch.cuda.synchronize(device)
        return result, (torch.cuda.max_memory_allocated(device) + _kept_by_graphs(device)) / 1e9
    result, growth = _with_growth_of_process(call)
    return result, growth / 1e9


def _kept_by_graphs(device: str) -> int:
    """Bytes of graphs' own memory that no tensor stands for: what they use while they are replayed."""
    index = torch.device(device).index or 0
    return sum(
        segment["total_size"] - segment["allocated_size"]
        for segment in torch.cuda.memory_snapshot()
        if segment["device"] == index and tuple(segment.get("segment_pool_id", (0, 0))) != (0, 0)
    )


def _warm_up(call: Call, device: str) -> float:
    """Call until compilers, allocators and libraries have settled; return the seconds of the last call."""
    elapsed = 0.0
    for number in range(WARM_UP):
        synchronize(device)
        start = time.perf_counter()
        call(number)
        synchronize(device)
        elapsed = time.perf_counter() - start
        if elapsed > 1 and not device.startswith("cuda"):
            break
    return elapsed


def synchronize(device: str) -> None:
    """Wait for a GPU to finish; nothing on a CPU."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _on_gpu_clock(call: Call, device: str, repeats: int) -> list[float]:
    if not device.startswith("cuda"):
        return _on_wall_clock(call, device, repeats)
    events = [
        (torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)
    ]
    torch.cuda.synchronize(device)
    for number, (start, end) in enumerate(events):
        start.record()
        call(number)
        end.record()
    torch.cuda.synchronize(device)
    return [start.elapsed_time(end) for start, end in events]


def _on_wall_clock(call: Call, device: str, repeats: int) -> list[float]:
    times = []
    for number in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        call(number)
        synchronize(device)
        times.append(1000 * (time.perf_counter() - start))
    return times


def _with_growth_of_process(call: Callable[[], Result]) -> tuple[Result, int]:
    process = psutil.Process()
    before = peak = process.memory_info().rss
    finished = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not finished.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = call()
    finally:
        finished.set()
        watcher.join()
    return result, peak - before
