"""What the segmentation needs in Slicer's Python: Resources/requirements.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "Resources" / "requirements.txt"

BROUGHT_BY_SLICER = frozenset({"numpy", "simpleitk"})
"""Never installed or replaced by us: Slicer's SimpleITK knows Slicer's scene, the one of the package index does not
(the modules that use it, such as Simple Filters, stop working), and Slicer's other packages are built on its numpy.
"""

_MODULES = {"pynrrd": "nrrd"}
"""What is imported, where it is not the package's name."""


@dataclass(frozen=True)
class NeededPackage:
    """line: as pip takes it, "torch>=2.4". name: "torch". module: what is imported."""

    line: str
    name: str
    module: str


def neededPackages() -> list[NeededPackage]:
    """Return the packages of the requirements file, in its order."""
    lines = (line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines())
    return [neededPackage(line) for line in lines if line and not line.startswith("#")]


def neededPackage(line: str) -> NeededPackage:
    """Return the package of one line."""
    name = re.split(r"[^\w.-]", line)[0]
    return NeededPackage(line, name, _MODULES.get(name, name))


def canonicalName(name: str) -> str:
    """Return a package's name as pip compares it: "Foo_bar" and "foo-bar" are one."""
    return re.sub(r"[-_.]+", "-", name).lower()
