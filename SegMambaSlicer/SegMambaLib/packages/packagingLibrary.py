"""The library `packaging`: Slicer has it, older builds only inside pip."""

from __future__ import annotations

from typing import Any

try:
    from packaging.requirements import Requirement
    from packaging.tags import Tag, sys_tags
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename
    from packaging.version import InvalidVersion, Version
except ImportError:
    from pip._vendor.packaging.requirements import Requirement  # type: ignore[assignment]
    from pip._vendor.packaging.tags import Tag, sys_tags  # type: ignore[assignment]
    from pip._vendor.packaging.utils import InvalidWheelFilename, parse_wheel_filename  # type: ignore[assignment]
    from pip._vendor.packaging.version import InvalidVersion, Version  # type: ignore[assignment]

__all__ = [
    "InvalidVersion",
    "InvalidWheelFilename",
    "Requirement",
    "Tag",
    "Version",
    "parse_wheel_filename",
    "satisfies",
    "sys_tags",
]


def satisfies(version: str, requirement: Any) -> bool:
    """Whether an installed version is one that the requirement asks for.

    Development versions count: Slicer's own SimpleITK is one. A version that nobody can read does not.
    """
    try:
        return bool(requirement.specifier.contains(Version(version), prereleases=True))
    except InvalidVersion:
        return False
