"""What pip prints, in words for somebody who has never heard of pip."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slicer.i18n import tr as _

from .neededPackages import canonicalName
from .packageReport import PackageReport


def progressOption(report: PackageReport) -> list[str]:
    """Return the option that makes pip print how far a download is, where this pip knows it (24.1)."""
    numbers = re.match(r"(\d+)\.(\d+)", report.installed.get("pip", ""))
    knows = numbers is not None and (int(numbers[1]), int(numbers[2])) >= (24, 1)
    return ["--progress-bar", "raw"] if knows else ["--progress-bar", "off"]


def progressLine(lines: Sequence[str]) -> str:
    """Return what pip is doing now: the file that it downloads, with percent, or its last line."""
    downloading = done = ""
    for line in reversed(lines):
        raw = re.fullmatch(r"Progress (\d+) of (\d+)", line.strip())
        if raw and not done:
            done = _(", {percent} %").format(percent=100 * int(raw[1]) // max(int(raw[2]), 1))
        elif raw:
            continue
        elif line.strip():
            downloading = line.strip()
            break
    match = re.match(r"Downloading (\S+?)-(\d\S*?)-\S+ (\(.*\))", downloading)
    if match:
        name, version, size = match.groups()
        return _("Downloading {name} {version} {size}{done}").format(
            name=name.rpartition("/")[2], version=version, size=size, done=done
        )
    return downloading[:120]


def reasonOfFailure(lines: Sequence[str], report: PackageReport, offline: bool) -> str:
    """Return why pip failed and what to do. offline: wheels came from a folder."""
    text = "\n".join(lines)
    pinned = list(dict.fromkeys(re.findall(r"The user requested \(constraint\) (\S+)==(\S+)", text)))
    if pinned:
        return _conflict(pinned, text, report)
    if re.search(r"No space left on device|Errno 28|WinError 112", text):
        return _("The disk is full. Free some space, then repair the packages.")
    if "Windows Long Path support" in text:
        return _(
            "A path became longer than Windows allows. Let an administrator switch long paths on, or install "
            "Slicer in a folder with a short name; then repair the packages."
        )
    if re.search(r"WinError (5|32)\b|Access is denied|Permission denied", text):
        return _(
            "A file could not be replaced or written. It may be in use: close other Slicer windows, start Slicer "
            "again and repair the packages before all else. Or the folder belongs to an administrator:\n{site}"
        ).format(site=report.site)
    if not offline and re.search(
        r"Failed to establish a new connection|Temporary failure in name resolution|getaddrinfo failed|"
        r"Max retries exceeded|ProxyError|ConnectTimeout|Read timed out|SSLError|CERTIFICATE_VERIFY_FAILED",
        text,
    ):
        return _(
            "The package index cannot be reached. Check the network and its proxy. In Models and packages, another "
            "PyTorch may come from an index that can, or install from a folder of wheels."
        )
    absent = re.search(r"No matching distribution found for (.+)", text)
    if absent:
        return _("No wheel of {package} fits Python {python} on this computer.").format(
            package=absent[1].strip(), python=report.python
        )
    errors = [line for line in lines if line.startswith("ERROR")] or [line for line in lines if line.strip()]
    return "\n".join(errors[-3:]) or _("pip ended without a word.")


def _conflict(pinned: Sequence[tuple[str, str]], text: str, report: PackageReport) -> str:
    """Name the installed packages that are in the way, who wants another version, and whose they are."""
    sentences = []
    for name, version in pinned:
        wishes = re.findall(rf"^\s*(\S+ \S+) depends on ({re.escape(name)}\S.*)$", text, re.MULTILINE)
        wishes += [
            ("SegMamba", wish)
            for wish in re.findall(rf"The user requested ({re.escape(name)}[<>=!~].*)", text)
        ]
        users = report.usersOf(canonicalName(name))
        sentences.append(
            _("{name} {version} is installed{users}, but {wishes}.").format(
                name=name,
                version=version,
                users=_(" (used by {names})").format(names=", ".join(users)) if users else "",
                wishes=_(" and ").join(_("{who} needs {what}").format(who=w, what=x) for w, x in wishes)
                or _("other packages need another version"),
            )
        )
    return "\n".join(
        [*sentences, _("Packages that are there stay as they are, so nothing was installed or changed.")]
    )
