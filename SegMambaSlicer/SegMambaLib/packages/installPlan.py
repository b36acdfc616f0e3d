"""What has to be installed or laid anew, what stands in the way, and the question to the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _

from .neededPackages import BROUGHT_BY_SLICER, NeededPackage, canonicalName
from .packageReport import Condition, PackageReport, PackageState
from .packageSizes import MEASURED, PackageSize, packageSize, sizeText
from .torchBuild import TorchBuild


@dataclass(frozen=True)
class InstallPlan:
    """missing: needed and absent. broken: names of damaged distributions, needed or required by a needed one.

    problem: why nothing can be done, "" for nothing. build: which PyTorch, if it is missing.
    """

    missing: tuple[NeededPackage, ...]
    broken: tuple[str, ...]
    problem: str
    build: TorchBuild

    @property
    def isEmpty(self) -> bool:
        """Whether all is there and works."""
        return not (self.missing or self.broken or self.problem)

    @property
    def size(self) -> PackageSize:
        """About what has to be downloaded, and what it takes on disk."""
        names = [package.name for package in self.missing] + list(self.broken)
        return sum((packageSize(name, self.build) for name in names), PackageSize(0, 0))


def makePlan(report: PackageReport, needed: Sequence[NeededPackage], build: TorchBuild) -> InstallPlan:
    """Return what is to be done so that all needed packages can be imported and no other one changes."""
    states = report.states(needed)
    missing = tuple(state.needed for state in states if state.condition is Condition.MISSING)
    failing = [canonicalName(state.needed.name) for state in states if state.condition is Condition.BROKEN]
    # Without damage, what fails may only want what is missing: the next look, after the installation, tells.
    broken = tuple(report.damaged) or (() if missing else tuple(failing))
    problems = [
        *(_slicerProblem(state) for state in states if canonicalName(state.needed.name) in BROUGHT_BY_SLICER),
        *(_oldProblem(state, report) for state in states if state.condition is Condition.OLD),
        *(_slicersOwn(name) for name in broken if name in BROUGHT_BY_SLICER and name not in failing),
    ]
    return InstallPlan(missing, broken, "\n".join(problem for problem in problems if problem), build)


def question(plan: InstallPlan, report: PackageReport, wheels: Path | None, note: str) -> str:
    """Return what the user is asked before anything is downloaded: which packages, how large, what stays.

    wheels: the folder that they come from in place of the network. note: one more paragraph, "" for none.
    """
    lines = [_("SegMamba needs Python packages that Slicer does not have yet:")] if plan.missing else []
    lines += [_missingLine(package, plan, wheels) for package in plan.missing]
    if plan.broken:
        lines.append(_("Installed only in part, to be installed anew:"))
        lines += [f"    {name} {report.installed.get(name, '')}".rstrip() for name in plan.broken]
    if not wheels:
        lines.append(
            _("To download: {download}; on disk: {disk} (sizes of {date}).").format(
                download=sizeText(plan.size.download), disk=sizeText(plan.size.disk), date=MEASURED
            )
        )
        if plan.build.kind == "gpu" and any(package.name == "torch" for package in plan.missing):
            lines.append(_("Without the GPU it would be a tenth of that: choose so in Models and packages."))
    lines.append(_("Packages that are there already stay as they are."))
    if note:
        lines.append(note)
    lines.append(_("Install them now?"))
    return "\n".join(lines)


def _missingLine(package: NeededPackage, plan: InstallPlan, wheels: Path | None) -> str:
    if wheels:
        return f"    {package.line}"
    title = plan.build.title if package.name == "torch" else package.name
    return f"    {title}: {sizeText(packageSize(package.name, plan.build).download)}"


def _slicersOwn(name: str) -> str:
    return _("{name} is part of Slicer and damaged. Install Slicer again.").format(name=name)


def _slicerProblem(state: PackageState) -> str:
    name, version = state.needed.name, state.version
    if state.condition is Condition.OLD:
        return _("{name} {version} of this Slicer is too old, {line} is needed. Use a newer Slicer.").format(
            name=name, version=version, line=state.needed.line
        )
    if state.condition is Condition.GOOD:
        return ""
    return _slicersOwn(name) + (f" ({state.reason})" if state.reason else "")


def _oldProblem(state: PackageState, report: PackageReport) -> str:
    name = canonicalName(state.needed.name)
    if name in BROUGHT_BY_SLICER:
        return ""
    users = report.usersOf(name)
    return _(
        "{name} {version} is installed, {line} is needed. Packages that are there stay as they are, since other "
        'extensions may rely on them{users}. To replace it all the same: PythonSlicer -m pip install "{line}"'
    ).format(
        name=state.needed.name,
        version=state.version,
        line=state.needed.line,
        users=_(" (here: {names})").format(names=", ".join(users)) if users else "",
    )
