"""Which of PyTorch's builds: they differ by gigabytes, and by whether the GPU is used."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from slicer.i18n import tr as _

_INDEX = "https://download.pytorch.org/whl/"
"""PyTorch's own index, one folder a build. The general package index has one build a platform: for NVIDIA GPUs on
Linux, for the CPU on Windows.
"""

_OLDEST_DRIVER = {"linux": (525, 60), "win32": (528, 33)}
"""For CUDA 12, from the release notes of the CUDA toolkit, table 2."""


@dataclass(frozen=True)
class TorchBuild:
    """kind: "cpu" or "gpu". title: for people. index: where pip finds it, "" for the general index."""

    kind: str
    title: str
    index: str


@dataclass(frozen=True)
class Gpu:
    """name: of the first NVIDIA GPU. driver: (580, 65). capability: its compute capability, (8, 6)."""

    name: str
    driver: tuple[int, int]
    capability: tuple[int, int]


def torchBuilds(gpu: Gpu | None, platform: str = sys.platform) -> list[TorchBuild]:
    """Return the builds that this computer can use, the recommended one first."""
    if platform == "darwin":
        return [TorchBuild("cpu", _("PyTorch for macOS"), "")]
    cpu = [TorchBuild("cpu", _("PyTorch for the CPU only"), f"{_INDEX}cpu" if platform == "linux" else "")]
    if platform == "linux":
        # For those whose network lets a mirror of the general index through, and not PyTorch's own.
        cpu.append(TorchBuild("gpu", _("PyTorch of the general package index"), ""))
    if gpu is None or gpu.driver < _OLDEST_DRIVER.get(platform, (0, 0)):
        return cpu
    # CUDA 12.6 knows the GPUs from Maxwell to Hopper, 12.8 those that came after.
    cuda = "cu128" if gpu.capability >= (10, 0) else "cu126"
    return [TorchBuild("gpu", _("PyTorch for {gpu}").format(gpu=gpu.name), f"{_INDEX}{cuda}"), *cpu]


def indexOfVersion(version: str) -> str:
    """Return where a build comes from that tells so in its version, "2.13.0+cpu"; "" for the general index."""
    local = version.partition("+")[2]
    return f"{_INDEX}{local}" if re.fullmatch(r"cpu|cu\d+", local) else ""


def findGpu() -> Gpu | None:
    """Return the first NVIDIA GPU, as its driver tells; None without one."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
            stdin=subprocess.DEVNULL,
            creationflags=_WITHOUT_WINDOW,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parseGpu(done.stdout)


def parseGpu(text: str) -> Gpu | None:
    """Read the first line that nvidia-smi printed: "NVIDIA RTX A4000, 550.54.15, 8.6"."""
    match = re.match(r"\s*(.+?), (\d+)\.(\d+)[\d.]*, (\d+)\.(\d+)", text)
    if not match:
        return None
    name, *numbers = match.groups()
    major, minor, capability, revision = map(int, numbers)
    return Gpu(name, (major, minor), (capability, revision))


if sys.platform == "win32":
    _WITHOUT_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    _WITHOUT_WINDOW = 0
