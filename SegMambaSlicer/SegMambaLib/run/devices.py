"""What the network can run on, asked of a Python beside Slicer: only PyTorch knows, and it stays out of Slicer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from .program import Program
from .shortCommand import ShortCommand


@dataclass(frozen=True)
class Device:
    """name: as the command takes it, "cuda:0". title: as a person knows it. memoryGb: gigabytes."""

    name: str
    title: str
    memoryGb: float


@dataclass(frozen=True)
class Devices:
    """usable: the CPU last. automatic: the one that "auto" takes. cudaProblem: why an NVIDIA card stays unused, or "".

    cpuSeconds: by network, a rough estimate of one pass over a brain on the CPU.
    """

    usable: tuple[Device, ...]
    automatic: str
    cudaProblem: str = ""
    cpuSeconds: dict[str, float] = field(default_factory=dict)

    def find(self, name: str) -> Device | None:
        """Return the device of a name, "auto" included; None for one that is not here."""
        wanted = self.automatic if name == "auto" else name
        return next((device for device in self.usable if device.name == wanted), None)


class DeviceQuery:
    """The question, on its way: it takes the seconds that importing PyTorch takes."""

    def __init__(self, program: Program, temporaryPath: Path) -> None:
        """Ask. Raises RuntimeError when the program cannot be started."""
        self._command = ShortCommand(program, ["-m", "SegMambaCore", "devices", "--json"], temporaryPath)

    def answer(self) -> Devices | None:
        """Return the answer, None until it has come. Raises RuntimeError when none will come."""
        if not self._command.isOver():
            return None
        try:
            # Libraries may print, too: the answer is the last line.
            return _devices(json.loads(self._command.output.strip().splitlines()[-1]))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise RuntimeError(_("The list of devices could not be understood.")) from error

    def stopNow(self) -> None:
        """Ask no more, and leave nothing running."""
        self._command.stopNow()


def _devices(answer: dict[str, Any]) -> Devices:
    return Devices(
        usable=tuple(
            Device(str(device["name"]), str(device["title"]), float(device["memory_gb"]))
            for device in answer["devices"]
        ),
        automatic=str(answer["automatic"]),
        cudaProblem=str(answer["cuda_problem"] or ""),
        cpuSeconds={str(network): float(seconds) for network, seconds in answer["cpu_seconds"].items()},
    )
