"""A folder of wheels in place of the network: whether it holds all that is needed, before anything starts."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from .neededPackages import BROUGHT_BY_SLICER, canonicalName
from .packagingLibrary import (
    InvalidWheelFilename,
    Requirement,
    Tag,
    parse_wheel_filename,
    satisfies,
    sys_tags,
)
from .torchBuild import TorchBuild


@dataclass(frozen=True)
class WheelFolder:
    """missing: requirements that no wheel meets. unfit: wheels of those that are for another Python or system.

    megabytes: of the wheels that will be used. longest: characters of the longest path that they will install.
    """

    missing: tuple[str, ...]
    unfit: tuple[str, ...]
    megabytes: int
    longest: int


def checkWheelFolder(
    folder: Path, wanted: Iterable[str], installed: Mapping[str, str], tags: Iterable[Tag] | None = None
) -> WheelFolder:
    """Follow the requirements through the folder. wanted: lines as pip takes them. installed: version by
    canonical name; what is there is not looked for.

    tags: what this Python takes, None to find out. Raises RuntimeError for no folder, or a damaged wheel.
    """
    wheels, unfit = _wheels(folder, set(tags if tags is not None else sys_tags()))
    waiting = [requirement for requirement in map(Requirement, wanted) if _applies(requirement, [""])]
    chosen: dict[str, Path] = {}
    missing: dict[str, str] = {}
    while waiting:
        requirement = waiting.pop()
        name = canonicalName(requirement.name)
        if name in chosen or name in installed:
            continue  # whether the installed version does is for pip to say: it stays in any case
        fitting = [
            (version, path) for version, path in wheels.get(name, []) if satisfies(str(version), requirement)
        ]
        if not fitting:
            missing.setdefault(name, f"{requirement.name}{requirement.specifier}")
            continue
        chosen[name] = max(fitting)[1]
        waiting += _requires(chosen[name], requirement.extras)
    return WheelFolder(
        tuple(sorted(missing.values())),
        tuple(sorted(path.name for name in missing for path in unfit.get(name, []))),
        round(sum(path.stat().st_size for path in chosen.values()) / 1e6),
        max((_longest(path) for path in chosen.values()), default=0),
    )


def problemWithWheels(found: WheelFolder, folder: Path, command: str) -> str | None:
    """Say what is missing and how to get it, or None. command: what `downloadCommand` returned."""
    if not found.missing:
        return None
    lines = [_("The folder {folder} lacks wheels for:").format(folder=folder)]
    lines += [f"    {requirement}" for requirement in found.missing]
    if found.unfit:
        lines.append(_("These are for another Python or another system:"))
        lines += [f"    {name}" for name in found.unfit]
    lines += [_("On a computer with a network and any Python, run this and bring the folder over:"), command]
    return "\n".join(lines)


def downloadCommand(
    lines: Sequence[str],
    installed: Mapping[str, str],
    build: TorchBuild,
    tags: Sequence[Tag] | None = None,
) -> str:
    """Return the command that fetches the wheels for this Python and system on another computer."""
    known = list(tags if tags is not None else sys_tags())
    platforms = list(dict.fromkeys(tag.platform for tag in known if tag.platform != "any"))
    # One pip's platform does not imply the older ones; these cover what is published today.
    wanted = [
        name
        for name in platforms
        if name.startswith(("manylinux_2_28_", "manylinux_2_27_", "manylinux2014_"))
    ]
    interpreter = next(tag.interpreter for tag in known)
    python = f"{interpreter[2]}.{interpreter[3:]}"
    words = ["python -m pip download --dest wheels --only-binary :all: --implementation cp"]
    words += [f"--python-version {python}", *(f"--platform {name}" for name in wanted or platforms[:1])]
    if build.index:
        words.append(f"--extra-index-url {build.index}")
    words += [f'"{line}"' for line in lines]
    # What is there decides which versions of the others fit.
    words += [
        f'"{name}=={installed[name]}"' for name in sorted(BROUGHT_BY_SLICER - {"simpleitk"} & set(installed))
    ]
    return " ".join(words)


def _wheels(folder: Path, tags: set[Tag]) -> tuple[dict[str, list[tuple[Any, Path]]], dict[str, list[Path]]]:
    if not folder.is_dir():
        raise RuntimeError(_("{folder} is no folder.").format(folder=folder))
    fit: dict[str, list[tuple[Any, Path]]] = {}
    unfit: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.whl")):
        try:
            name, version, _build, wheelTags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if wheelTags & tags:
            fit.setdefault(name, []).append((version, path))
        else:
            unfit.setdefault(name, []).append(path)
    return fit, unfit


def _applies(requirement: Any, extras: Iterable[str]) -> bool:
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in extras
    )


def _requires(wheel: Path, extras: Iterable[str]) -> list[Any]:
    with _open(wheel) as archive:
        name = next(
            (n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1), ""
        )
        text = archive.read(name).decode("utf-8", errors="replace") if name else ""
    lines = HeaderParser().parsestr(text).get_all("Requires-Dist", [])
    return [requirement for requirement in map(Requirement, lines) if _applies(requirement, ["", *extras])]


def _longest(wheel: Path) -> int:
    with _open(wheel) as archive:
        return max(map(len, archive.namelist()), default=0)


def _open(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except (OSError, zipfile.BadZipFile) as error:
        raise RuntimeError(_("The wheel {name} is damaged. Get it again.").format(name=wheel.name)) from error
