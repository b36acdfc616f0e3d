"""Windows refuses paths of 260 characters and more unless long paths are switched on; pip then fails half-way."""

from __future__ import annotations

import sys

from slicer.i18n import tr as _

LONGEST_ALLOWED = 259
"""Characters of a full path; the 260th is the zero at its end (MAX_PATH)."""

LONGEST_IN_TORCH = 171
"""Characters below site-packages, in torch 2.13 (a licence of a library in a library); 121 in 2.14."""


def longPathProblem(site: str, longest: int, enabled: bool) -> str | None:
    """Say what would fail and what to do, or None.

    site: the folder that packages are installed in. longest: characters of the longest path below it.
    enabled: what `longPathsEnabled` returned.
    """
    length = len(site) + 1 + longest
    if enabled or length <= LONGEST_ALLOWED:
        return None
    return _(
        "Windows allows paths of {allowed} characters, and files of the packages would have up to {length}, below\n"
        "{site}\n"
        "Let an administrator switch long paths on (group policy Computer Configuration > Administrative Templates "
        "> System > Filesystem > Enable Win32 long paths) and start Slicer again, or install Slicer in a folder "
        "with a short name such as C:\\Slicer."
    ).format(allowed=LONGEST_ALLOWED, length=length, site=site)


def longPathsEnabled() -> bool:
    """Whether this system takes paths of any length: always but on Windows, there as the registry says."""
    if sys.platform != "win32":
        return True
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False
