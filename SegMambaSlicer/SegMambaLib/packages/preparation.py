"""What can be known before an installation starts, so that it does not fail half-way."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from slicer.i18n import tr as _

from .installPlan import InstallPlan
from .longPaths import LONGEST_IN_TORCH, longPathProblem, longPathsEnabled
from .packageReport import PackageReport
from .wheelFolder import checkWheelFolder, downloadCommand, problemWithWheels

_UNPACKED = 3
"""How many times its size a wheel takes on disk, at most."""


def preparation(plan: InstallPlan, report: PackageReport, wheels: Path | None) -> str:
    """Return what the user should know beside the sizes, "" for nothing.

    wheels: a folder to take wheels from instead of the network. Raises RuntimeError when it lacks some, Windows
    would refuse a path, the disk is too full, or the folder of the packages is another user's.
    """
    _checkWritable(report.site)
    if wheels is None:
        _checkDisk(plan.size.disk, report.site)
        problem = longPathProblem(report.site, LONGEST_IN_TORCH, longPathsEnabled())
        # Not every version of PyTorch has paths that long.
        return _("This may fail. {problem}").format(problem=problem) if problem else ""
    lines = [package.line for package in plan.missing] + list(plan.broken)
    kept = {name: version for name, version in report.installed.items() if name not in plan.broken}
    found = checkWheelFolder(wheels, lines, kept)
    command = downloadCommand(lines, report.installed, plan.build)
    problem = problemWithWheels(found, wheels, command) or longPathProblem(
        report.site, found.longest, longPathsEnabled()
    )
    if problem:
        raise RuntimeError(problem)
    _checkDisk(_UNPACKED * found.megabytes, report.site)
    return _("They come from the folder {folder} ({size} MB); nothing is downloaded.").format(
        folder=wheels, size=found.megabytes
    )


def _checkWritable(site: str) -> None:
    try:
        # Trying is the only way on Windows: permissions there are more than what Python tells.
        tempfile.TemporaryFile(dir=site).close()
    except OSError as error:
        raise RuntimeError(
            _(
                "Packages are installed in {site}, where you may not write ({reason}). Let an administrator install "
                "them, or install Slicer in a folder of your own."
            ).format(site=site, reason=error.strerror or error)
        ) from error


def _checkDisk(megabytes: int, site: str) -> None:
    free = shutil.disk_usage(site).free // 10**6
    if free < megabytes:
        raise RuntimeError(
            _(
                "The packages need about {needed} MB in {site}, and {free} MB are free. Free some space."
            ).format(needed=megabytes, site=site, free=free)
        )
