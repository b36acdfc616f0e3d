"""How much a package and what it requires weigh, known before anything is downloaded.

Measured on 2026-11-24 from the wheels for Python 3.12, x86-64 on Linux and Windows, arm64 on macOS. pip itself tells
sizes only while it downloads. The GPU build on Windows, and deepbet but for
Linux, were not measured: their figures are estimates.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from slicer.i18n import tr as _

from .torchBuild import TorchBuild

MEASURED = "2026-11"


@dataclass(frozen=True)
class PackageSize:
    """Megabytes (10^6 bytes) to download, and on disk."""

    download: int
    disk: int

    def __add__(self, other: PackageSize) -> PackageSize:
        return PackageSize(self.download + other.download, self.disk + other.disk)


_TORCH = {
    ("gpu", "linux"): PackageSize(3950, 7200),
    ("gpu", "win32"): PackageSize(2900, 5500),
    ("cpu", "linux"): PackageSize(200, 860),
    ("cpu", "win32"): PackageSize(135, 580),
    ("cpu", "darwin"): PackageSize(140, 630),
}
_OTHERS = {
    "deepbet": {"linux": PackageSize(33, 140), "win32": PackageSize(31, 130), "darwin": PackageSize(31, 125)},
    "numba": {"linux": PackageSize(64, 210), "win32": PackageSize(45, 150), "darwin": PackageSize(44, 160)},
    "matplotlib": {"linux": PackageSize(25, 65), "win32": PackageSize(20, 55), "darwin": PackageSize(18, 55)},
}
_SMALL = PackageSize(1, 1)


def packageSize(name: str, build: TorchBuild, platform: str = sys.platform) -> PackageSize:
    """Return what a missing package costs, with what it requires. build: which PyTorch."""
    system = platform if platform in ("win32", "darwin") else "linux"
    if name == "torch":
        return _TORCH[build.kind, system]
    return _OTHERS[name][system] if name in _OTHERS else _SMALL


def sizeText(megabytes: int) -> str:
    """Return "about 140 MB" or "about 3.9 GB"."""
    if megabytes < 1000:
        return _("about {size} MB").format(size=megabytes if megabytes < 10 else round(megabytes / 5) * 5)
    return _("about {size:.1f} GB").format(size=megabytes / 1000)
