"""The calls of pip, and of our own small program, that carry a plan out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _

from .installPlan import InstallPlan
from .neededPackages import NeededPackage, canonicalName
from .packageReport import PackageReport
from .packagingLibrary import InvalidVersion, Version
from .torchBuild import indexOfVersion

REMOVAL = Path(__file__).resolve().parent / "removeRemnants.py"


@dataclass(frozen=True)
class Step:
    """title: for people. script: a program to run, "" for pip install. arguments: for either."""

    title: str
    arguments: tuple[str, ...]
    script: str = ""


def installSteps(
    plan: InstallPlan, report: PackageReport, needed: Sequence[NeededPackage], wheels: Path | None
) -> list[Step]:
    """Return what to do, in order. wheels: a folder to take wheels from instead of the network."""
    steps: list[Step] = []
    source = ("--no-index", "--find-links", str(wheels)) if wheels else ()
    remnants = [(name, _modules(name, needed)) for name in plan.broken] + [
        (canonicalName(package.name), [package.module])
        for package in plan.missing
        if (Path(report.site) / package.module).is_dir()
    ]
    if remnants:
        arguments = (report.site, json.dumps(remnants))
        steps.append(Step(_("Removing what is left of damaged packages"), arguments, script=str(REMOVAL)))
    for name in plan.broken:
        version = report.installed.get(name, "")
        index = indexOfVersion(version)
        exact = _line(name, needed) if wheels or not version else f"{name}=={version}"
        where = source or (("--index-url", index) if index else ())
        steps.append(
            Step(
                _("Installing {name} anew").format(name=name),
                ("--force-reinstall", "--no-deps", *where, exact),
            )
        )
    lines = [package.line for package in plan.missing]
    if plan.build.index and not wheels and any(package.name == "torch" for package in plan.missing):
        # Alone: beside the general index, pip would take whichever has the higher version.
        torch = next(package.line for package in plan.missing if package.name == "torch")
        steps.append(Step(_("Installing PyTorch"), ("--index-url", plan.build.index, torch)))
        lines.remove(torch)
    # The broken ones too: this fetches what they require, if that is missing.
    lines += [package.line for package in needed if canonicalName(package.name) in plan.broken]
    if lines:
        steps.append(Step(_("Installing packages"), (*source, *lines)))
    return steps


def constraints(installed: Mapping[str, str], except_: Sequence[str]) -> str:
    """Return a constraints file for pip that keeps every installed package at its version.

    except_: canonical names of those that are to be installed anew.
    """
    return "".join(
        f"{name}=={version}\n"
        for name, version in sorted(installed.items())
        if name not in except_ and _isVersion(version)
    )


def _line(name: str, needed: Sequence[NeededPackage]) -> str:
    return next((package.line for package in needed if canonicalName(package.name) == name), name)


def _modules(name: str, needed: Sequence[NeededPackage]) -> list[str]:
    return [package.module for package in needed if canonicalName(package.name) == name]


def _isVersion(text: str) -> bool:
    # pip refuses the whole file for one version that it cannot read.
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
