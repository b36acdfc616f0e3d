"""What the machine did at best: bytes copied, matrices multiplied, exponentials taken in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from SegMambaCore.benchmark.timing import time_call
from SegMambaCore.gpu.nvrtc import CudaProgram
from SegMambaCore.inference.device import device_name

EXPONENTIALS = Path(__file__).with_name("exponentials.cu")
CHAINS, ROUNDS, THREADS = 8, 4096, 256
"""Exponentials a thread of the kernel: CHAINS as there, times ROUNDS."""


@dataclass(frozen=True)
class Machine:
    """Rates, measured. None: not measured.

    copy_bytes: read and written in a second by a device copy. matrix_operations: a second, in the benchmark's
    number format (a multiplication and an addition are two). exponentials: a second.
    """

    device: str
    name: str
    dtype: str
    copy_bytes: float
    matrix_operations: float
    exponentials: float | None

    def for_json(self) -> dict[str, Any]:
        """The rates in the units people know."""
        return {
            "dtype": self.dtype,
            "copy_gb_per_s": round(self.copy_bytes / 1e9, 1),
            "matrix_tflops": round(self.matrix_operations / 1e12, 3),
            "exponentials_g_per_s": None if self.exponentials is None else round(self.exponentials / 1e9, 2),
        }


def measure_machine(device: str, dtype: torch.dtype) -> Machine:
    """Measure, about a second. dtype: of the matrices."""
    return Machine(
        device=device,
        name=device_name(device),
        dtype=str(dtype).removeprefix("torch."),
        copy_bytes=_copy_bytes(device),
        matrix_operations=_matrix_operations(device, dtype),
        exponentials=_exponentials(device),
    )


def _copy_bytes(device: str) -> float:
    count = (512 if device.startswith("cuda") else 128) * 1024 * 1024
    source = torch.ones(count, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * count / _seconds(lambda: target.copy_(source), device)


def _matrix_operations(device: str, dtype: torch.dtype) -> float:
    n = 8192 if device.startswith("cuda") else 2048
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2 * n**3 / _seconds(lambda: a @ b, device)


def _exponentials(device: str) -> float | None:
    if not device.startswith("cuda"):
        return None  # PyTorch's are no measure: a compiled loop takes them faster
    try:
        kernel = CudaProgram(EXPONENTIALS, {"IO": 0}, torch.device(device).index or 0).kernel("exponentials")
    except (RuntimeError, OSError):  # no run-time compiler, or a GPU that it does not know
        return None
    blocks = 8 * torch.cuda.get_device_properties(device).multi_processor_count
    out = torch.empty(blocks * THREADS, device=device)
    seconds = _seconds(lambda: kernel.launch((blocks, 1, 1), THREADS, (out, ROUNDS)), device)
    return blocks * THREADS * CHAINS * ROUNDS / seconds


def _seconds(call: Callable[[], object], device: str) -> float:
    return time_call(lambda _: call(), device).fastest / 1000
