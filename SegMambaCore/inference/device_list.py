"""What this computer can run the network on, and about how long its CPU would take."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

import psutil
import torch

from SegMambaCore.inference.device import choose_device, device_name

CONVOLUTIONS_PER_BRAIN = {"small": 150.0, "tom": 860.0, "paper": 800.0}
"""One pass of a network over a brain of 144 x 176 x 144 voxels, in times of `_convolution_seconds`.

On two cores of an AMD EPYC, 2026-11: 5.6 s for `small` against 0.037 s; the others by their ratio to `small`."""


@dataclass(frozen=True)
class Device:
    """name: as --device takes it. title: as a person knows it. memory_gb: of the card, or of the computer."""

    name: str
    title: str
    memory_gb: float


@dataclass(frozen=True)
class DeviceList:
    """devices: usable ones, the CPU last. automatic: the name that "auto" takes.

    cuda_problem: why an NVIDIA card is not used although there seems to be one, else None.
    cpu_seconds: by network, a rough estimate of one pass over a brain on the CPU.
    """

    devices: tuple[Device, ...]
    automatic: str
    cuda_problem: str | None
    cpu_seconds: dict[str, float]


def list_devices() -> DeviceList:
    """Look at the computer; takes about a second, PyTorch's import not counted."""
    devices, problems = [], []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        name = f"cuda:{index}"
        if problem := _problem_with(name):
            problems.append(f"{torch.cuda.get_device_name(name)}: {problem}")
        else:
            memory = torch.cuda.get_device_properties(name).total_memory
            devices.append(Device(name, device_name(name), round(memory / 1e9, 1)))
    if torch.backends.mps.is_available():
        devices.append(Device("mps", device_name("mps"), _computer_memory_gb()))
    devices.append(Device("cpu", device_name("cpu"), _computer_memory_gb()))
    seconds = _convolution_seconds()
    return DeviceList(
        devices=tuple(devices),
        automatic=choose_device("auto"),
        cuda_problem="; ".join(problems) or _why_no_cuda(),
        cpu_seconds={network: round(seconds * n, 1) for network, n in CONVOLUTIONS_PER_BRAIN.items()},
    )


def _why_no_cuda() -> str | None:
    if torch.cuda.is_available() or shutil.which("nvidia-smi") is None:
        return None
    if torch.version.cuda is None:
        return "There is an NVIDIA driver, but the installed PyTorch was built without CUDA."
    return "PyTorch cannot use the NVIDIA driver. It may be older than PyTorch's CUDA, or the card is busy."


def _problem_with(device: str) -> str | None:
    """Return why a card that PyTorch lists cannot compute, None when it can."""
    try:
        torch.zeros(1, device=device).add_(1).cpu()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None


def _computer_memory_gb() -> float:
    return round(psutil.virtual_memory().total / 1e9, 1)


@torch.inference_mode()
def _convolution_seconds() -> float:
    """One 3 x 3 x 3 convolution of 32 channels over 64^3 voxels, float32, the fastest of three."""
    layer = torch.nn.Conv3d(32, 32, 3, padding=1).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    voxels = torch.zeros(1, 32, 64, 64, 64).contiguous(memory_format=torch.channels_last_3d)
    layer(voxels)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        layer(voxels)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
