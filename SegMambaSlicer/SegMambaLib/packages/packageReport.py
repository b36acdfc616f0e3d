"""What `probe.py` found, and what it means for each needed package."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from slicer.i18n import tr as _

from .neededPackages import NeededPackage, canonicalName
from .packagingLibrary import Requirement, satisfies


class Condition(Enum):
    """MISSING: no metadata. OLD: below the lower bound. BROKEN: there, and cannot be imported. GOOD: the rest."""

    MISSING = "missing"
    OLD = "old"
    BROKEN = "broken"
    GOOD = "good"


@dataclass(frozen=True)
class PackageState:
    """version: "" when missing. reason: why it is BROKEN, in the words of Python."""

    needed: NeededPackage
    condition: Condition
    version: str = ""
    reason: str = ""


@dataclass(frozen=True)
class PackageReport:
    """site: the folder where packages lie. python: "3.12". installed: version by canonical name.

    requires: the names that each installed distribution requires. failures: reason by name of what could not be
    imported. damaged: distributions with missing files, behind those failures.
    """

    site: str
    python: str
    installed: Mapping[str, str]
    requires: Mapping[str, Sequence[str]]
    failures: Mapping[str, str]
    damaged: tuple[str, ...]

    def states(self, needed: Iterable[NeededPackage]) -> list[PackageState]:
        """Return the state of each needed package."""
        return [packageState(package, self.installed, self.failures) for package in needed]

    def usersOf(self, name: str) -> list[str]:
        """Return the installed distributions that require this one."""
        return sorted(user for user, names in self.requires.items() if canonicalName(name) in names)


def parseReport(lines: Iterable[str], exitCode: int | None) -> PackageReport:
    """Read the probe's lines. exitCode: when it is not 0, the package that was being imported ended Python.

    Raises RuntimeError when the probe did not get as far as the list of what is installed.
    """
    facts: dict[str, object] = {}
    failures: dict[str, str] = {}
    damaged: list[str] = []
    importing = ""
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue  # libraries print while they are imported
        if not isinstance(said, dict):
            continue
        if "importing" in said:
            importing = said["importing"]
        elif "failed" in said:
            failures[said["failed"]] = said["reason"]
            damaged += [name for name in said["damaged"] if name not in damaged]
        facts |= said
    if "installed" not in facts or "site" not in facts:
        raise RuntimeError(_("Slicer's Python could not be asked for its packages. Install Slicer again."))
    if exitCode:
        failures[importing] = _("importing it ended Python (exit code {code})").format(code=exitCode)
    return PackageReport(
        str(facts["site"]),
        str(facts["python"]),
        dict(facts["installed"]),  # type: ignore[call-overload]
        dict(facts["requires"]),  # type: ignore[call-overload]
        failures,
        tuple(damaged),
    )


def installedStates(needed: Iterable[NeededPackage]) -> list[PackageState]:
    """Return what the metadata alone tell, at once and in this process; a BROKEN one passes for GOOD."""
    installed = {}
    for package in needed:
        try:
            installed[canonicalName(package.name)] = importlib.metadata.version(package.name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return [packageState(package, installed, {}) for package in needed]


def packageState(
    package: NeededPackage, installed: Mapping[str, str], failures: Mapping[str, str]
) -> PackageState:
    """Return the state of one package from the installed versions and the reasons why imports failed."""
    version = installed.get(canonicalName(package.name))
    if version is None:
        return PackageState(package, Condition.MISSING)
    if package.name in failures:
        return PackageState(package, Condition.BROKEN, version, failures[package.name])
    if not satisfies(version, Requirement(package.line)):
        return PackageState(package, Condition.OLD, version)
    return PackageState(package, Condition.GOOD, version)
