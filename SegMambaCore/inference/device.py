"""Which processor the network runs on."""

from __future__ import annotations

import platform

import torch

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import check_device_name


def choose_device(name: str) -> str:
    """Return a device that exists: "cpu", "cuda:0", "mps".

    name: "auto" takes the first CUDA device or else the CPU; MPS only runs when asked for, as not every 3D
        operation exists there.
    Raises SegMambaError when the device is unknown or absent.
    """
    check_device_name(name)
    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if name == "mps" and not torch.backends.mps.is_available():
        raise SegMambaError(
            "Device mps: this computer or this PyTorch has no Apple GPU support. Use --device cpu."
        )
    kind, _, number = name.partition(":")
    return _cuda_device(int(number or 0)) if kind == "cuda" else name


def device_name(device: str) -> str:
    """Return a device as a person knows it: the graphics card's name, or the processor and its threads."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    processor = platform.processor() or platform.machine()
    return (
        f"Apple GPU ({processor})"
        if device == "mps"
        else f"CPU ({processor}, {torch.get_num_threads()} threads)"
    )


def _cuda_device(index: int) -> str:
    if torch.version.cuda is None:
        raise SegMambaError(
            "Device cuda: the installed PyTorch was built without CUDA.\n"
            "Use --device cpu, or install a CUDA build of PyTorch."
        )
    if not torch.cuda.is_available():
        raise SegMambaError("Device cuda: no usable NVIDIA GPU or driver was found. Use --device cpu.")
    if index >= torch.cuda.device_count():
        raise SegMambaError(
            f"Device cuda:{index}: this computer has {torch.cuda.device_count()} CUDA device(s),"
            " counted from cuda:0."
        )
    return f"cuda:{index}"
