"""Reading the four files of a case and refusing what cannot be one."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

from SegMambaCore.case.case import ROLE_TITLES, ROLES, Case
from SegMambaCore.case.volume_checks import same_voxels
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.overlap import grids_overlap
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume


def read_case(paths: dict[str, Path], reference: str = "t1c") -> Case:
    """Read the volumes of a case in parallel, with the SHA-256 of each source.

    paths: a file or DICOM folder for each of the roles `ROLES`.
    reference: the role whose grid the result is given on.

    Raises SegMambaError, naming role and file, when a role is missing or unknown, a file is not one sound 3D
    image (see `read_volume`), the same file or the same voxels stand for two roles, or a volume does not
    overlap with the reference.
    """
    _check_roles(paths, reference)
    for a, b in combinations(ROLES, 2):
        if paths[a].resolve() == paths[b].resolve():
            raise _not_distinct(a, b, "are the same file", paths)
    with ThreadPoolExecutor(max_workers=2 * len(ROLES)) as pool:
        hashing = {role: pool.submit(source_sha256, paths[role]) for role in ROLES if paths[role].exists()}
        reading = {role: pool.submit(_read_role, role, paths[role]) for role in ROLES}
        volumes = {role: future.result() for role, future in reading.items()}
        hashes = {role: future.result() for role, future in hashing.items()}
    for a, b in combinations(ROLES, 2):
        if same_voxels(volumes[a].array, volumes[b].array):
            raise _not_distinct(a, b, "have the same content", paths)
    for role in ROLES:
        _check_overlap(role, volumes[role], volumes[reference], reference)
    return Case(volumes, reference, {role: paths[role] for role in ROLES}, hashes)


def source_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files of a folder in the order of their names, as hex digits."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()


def _check_roles(paths: dict[str, Path], reference: str) -> None:
    if unknown := [role for role in [*paths, reference] if role not in ROLES]:
        raise SegMambaError(f"{unknown[0]}: there is no such role. The roles are {', '.join(ROLES)}.")
    if missing := [ROLE_TITLES[role] for role in ROLES if role not in paths]:
        raise SegMambaError(
            f"No file for {', '.join(missing)}. All four of T1, T1Gd, T2, T2-FLAIR are needed."
        )


def _not_distinct(a: str, b: str, verdict: str, paths: dict[str, Path]) -> SegMambaError:
    files = f"{paths[a]} and {paths[b]}" if paths[a] != paths[b] else f"{paths[a]}"
    return SegMambaError(f"{ROLE_TITLES[a]} and {ROLE_TITLES[b]} {verdict}: {files}. Give each its own file.")


def _read_role(role: str, path: Path) -> Volume:
    try:
        return read_volume(path)
    except SegMambaError as error:
        raise SegMambaError(f"{ROLE_TITLES[role]}: {error}") from error


def _check_overlap(role: str, volume: Volume, reference: Volume, reference_role: str) -> None:
    if not grids_overlap(volume.grid, reference.grid):
        raise SegMambaError(
            f"{ROLE_TITLES[role]} ({volume.name}) and {ROLE_TITLES[reference_role]} ({reference.name}) do "
            "not overlap in space: they are from different patients or sessions, or one header is wrong.\n"
            "Register the volumes first, or give others."
        )
