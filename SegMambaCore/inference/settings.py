"""How a prediction is to be made."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from SegMambaCore.errors import SegMambaError

Mode = Literal["auto", "windows", "onepass"]
Mirror = Literal["auto", "none", "leftright", "all"]


def check_device_name(name: str) -> None:
    """Raise SegMambaError for a device that no computer has; whether this one has it, `choose_device` tells."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]+)?", name):
        raise SegMambaError(f"Device {name!r} is unknown. Use auto, cpu, cuda, cuda:1 or mps.")


@dataclass(frozen=True)
class InferenceSettings:
    """What the user may choose; "auto" leaves the choice to the device.

    mode: "windows": the network sees overlapping patches, their logits are blended; "onepass": it sees the
        whole crop once. "auto": windows on a GPU, onepass on a CPU, where windows take several times as long.
    mirror: how many reflected copies are averaged: "none" 1 pass, "leftright" 2, "all" 8. "auto": all on a
        GPU, none on a CPU.
    overlap: the part of a patch that its neighbour covers too, 0 <= overlap < 1; windows only.
    device: "auto" (CUDA when there is one, else the CPU), "cpu", "cuda", "cuda:1", "mps".

    Raises ValueError for an overlap out of range.
    """

    mode: Mode = "auto"
    mirror: Mirror = "auto"
    overlap: float = 0.5
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0.0 <= self.overlap < 1.0:
            raise ValueError(f"The overlap must be at least 0 and below 1, not {self.overlap:g}.")

    def resolved(self, device: str) -> InferenceSettings:
        """Return the settings with nothing left to choose, for a device that exists: "cpu", "cuda:0"."""
        on_cpu = device == "cpu"
        mode: Mode = ("onepass" if on_cpu else "windows") if self.mode == "auto" else self.mode
        mirror: Mirror = ("none" if on_cpu else "all") if self.mirror == "auto" else self.mirror
        return replace(self, mode=mode, mirror=mirror, device=device)
