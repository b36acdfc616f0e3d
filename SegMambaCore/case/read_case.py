"""Reading the volumes of a case and refusing what cannot be one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import combinations

from SegMambaCore.case.case import FEWEST_CONTRASTS, ROLE_TITLES, ROLES, Case
from SegMambaCore.case.one_patient import check_one_patient
from SegMambaCore.case.volume_checks import same_voxels
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.overlap import grids_overlap
from SegMambaCore.volume.read import Source, dicom_series_of, read_volume
from SegMambaCore.volume.volume import Volume

_REFERENCES = ("t1c", "t1n", "t2f", "t2w")


def read_case(sources: Mapping[str, Source], reference: str = "t1c", *, anywhere: bool = False) -> Case:
    """Read the volumes of a case in parallel, with the SHA-256 of each source.

    sources: a file, a DICOM folder or a DICOM series for two or more of the roles `ROLES`.
    reference: the role whose grid the result is given on; where it is missing, the first there is of T1Gd, T1,
        T2-FLAIR and T2. anywhere: volumes that do not overlap are let pass, because they will be registered.

    Raises SegMambaError, naming role and file, when fewer than two roles are given or one is unknown, a file is not
    one sound 3D image (see `read_volume`), the same file or the same voxels stand for two roles, DICOM series are of
    different patients or days, or a volume does not overlap with the reference.
    """
    _check_roles(sources, reference)
    roles = [role for role in ROLES if role in sources]
    reference = next(role for role in (reference, *_REFERENCES) if role in sources)
    for a, b in combinations(roles, 2):
        if _same_source(sources[a], sources[b]):
            raise _not_distinct(a, b, "are the same file", sources)
    found = {role: _found(role, sources[role]) for role in roles}
    check_one_patient({role: one for role, one in found.items() if isinstance(one, DicomSeries)})
    with ThreadPoolExecutor(max_workers=2 * len(ROLES)) as pool:
        hashing = {role: pool.submit(source_sha256, found[role]) for role in roles}
        reading = {role: pool.submit(_read_role, role, found[role]) for role in roles}
        volumes = {role: future.result() for role, future in reading.items()}
        hashes = {role: future.result() for role, future in hashing.items()}
    for a, b in combinations(roles, 2):
        if same_voxels(volumes[a].array, volumes[b].array):
            raise _not_distinct(a, b, "have the same content", found)
    for role in () if anywhere else roles:
        _check_overlap(role, volumes[role], volumes[reference], reference)
    return Case(volumes, reference, found, hashes)


def source_sha256(source: Source) -> str:
    """Return the SHA-256 of a file, or of the files of a DICOM series in the order of its slices, as hex digits."""
    if isinstance(source, DicomSeries):
        return source.sha256()
    digest = hashlib.sha256()
    with source.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _same_source(one: Source, other: Source) -> bool:
    if isinstance(one, DicomSeries) or isinstance(other, DicomSeries):
        return one == other
    return one.resolve() == other.resolve()


def _found(role: str, source: Source) -> Source:
    with _role_told(role):
        return dicom_series_of(source) or source


def _check_roles(paths: Mapping[str, Source], reference: str) -> None:
    if unknown := [role for role in [*paths, reference] if role not in ROLES]:
        raise SegMambaError(f"{unknown[0]}: there is no such role. The roles are {', '.join(ROLES)}.")
    if len(paths) < FEWEST_CONTRASTS:
        given = "".join(f"Only {ROLE_TITLES[role]}" for role in paths) or "Nothing"
        raise SegMambaError(
            f"{given} was given. At least two of T1, T1Gd, T2 and T2-FLAIR are needed, better all four."
        )


def _not_distinct(a: str, b: str, verdict: str, sources: Mapping[str, Source]) -> SegMambaError:
    files = f"{sources[a]} and {sources[b]}" if sources[a] != sources[b] else f"{sources[a]}"
    return SegMambaError(f"{ROLE_TITLES[a]} and {ROLE_TITLES[b]} {verdict}: {files}. Give each its own file.")


def _read_role(role: str, source: Source) -> Volume:
    with _role_told(role):
        return read_volume(source)


@contextmanager
def _role_told(role: str) -> Iterator[None]:
    try:
        yield
    except SegMambaError as error:
        raise SegMambaError(f"{ROLE_TITLES[role]}: {error}") from error


def _check_overlap(role: str, volume: Volume, reference: Volume, reference_role: str) -> None:
    if not grids_overlap(volume.grid, reference.grid):
        raise SegMambaError(
            f"{ROLE_TITLES[role]} ({volume.name}) and {ROLE_TITLES[reference_role]} ({reference.name}) do "
            "not overlap in space: they are from different patients or sessions, or one header is wrong.\n"
            "Register the volumes first, or give others."
        )
