"""The packages that the segmentation needs in Slicer's Python: checked and installed on demand only."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

import slicer
from slicer.i18n import tr as _

REQUIREMENTS = Path(__file__).resolve().parents[2] / "Resources" / "requirements.txt"


def ensureDependencies() -> None:
    """Install what is missing after asking; does nothing when all is there.

    Raises RuntimeError when the user says no or the installation fails.
    """
    try:
        if _hasPipEnsure():
            slicer.packaging.pip_ensure(
                slicer.packaging.load_requirements(REQUIREMENTS), requester="SegMamba"
            )
        else:
            _askAndInstall()
    except subprocess.CalledProcessError as error:
        raise RuntimeError(
            _(
                "The Python packages could not be installed. Without a network, install them from files with "
                "PythonSlicer -m pip; the log says what went wrong."
            )
        ) from error


def missingPackages() -> list[str]:
    """Return the lines of the requirements whose package is absent."""
    return [line for line in requirementLines() if not _isInstalled(re.split(r"[^\w.-]", line)[0])]


def requirementLines() -> list[str]:
    """Return the requirements, one a package, with lower bounds."""
    lines = (line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _hasPipEnsure() -> bool:
    # By its function, not by Slicer's version: early builds had a slicer.packaging with other contents.
    try:
        import slicer.packaging
    except ImportError:
        return False
    return hasattr(slicer.packaging, "pip_ensure")


def _askAndInstall() -> None:
    missing = missingPackages()
    if not missing:
        return
    question = _(
        "SegMamba needs Python packages that Slicer does not have yet:\n{packages}\n\n"
        "Download and install them now? This needs a network and up to a few gigabytes of disk."
    ).format(packages=", ".join(missing))
    if not slicer.util.confirmOkCancelDisplay(question, "SegMamba"):
        raise RuntimeError(_("The Python packages were not installed, as you chose. Nothing was segmented."))
    slicer.util.pip_install(missing)


def _isInstalled(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
