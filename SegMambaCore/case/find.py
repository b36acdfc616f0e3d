"""Finding the four contrasts of a case in a folder by their file names."""

from __future__ import annotations

import re
from pathlib import Path

from SegMambaCore.case.case import ROLE_TITLES, ROLES
from SegMambaCore.errors import SegMambaError

_SUFFIX = re.compile(r"\.(nii|nii\.gz|nrrd|mha|mhd)$", re.IGNORECASE)
_DERIVED = re.compile(r"(^|[^a-z])(brain)?(mask|seg|segmentation|label|labels)([^a-z]|$)", re.IGNORECASE)
_ROLE_PATTERNS = {
    role: re.compile(rf"(^|[^a-z0-9])({names})$", re.IGNORECASE)
    for role, names in {
        "t1n": r"t1|t1n|t1w|t1[-_ ]?pre",
        "t1c": r"t1w?[-_ ]?(c|ce|gd|post|contrast|km)",
        "t2w": r"t2|t2w",
        "t2f": r"t2f|(t2w?[-_ ]?)?(flair|fla)",
    }.items()
}  # each stands at the end of the name before the suffix


def find_case_files(folder: Path) -> dict[str, Path]:
    """Return the file of each role in a folder that holds one BraTS case.

    Names end as in BraTS up to 2021 (`_t1 _t1ce _t2 _flair`), from 2023 on (`-t1n -t1c -t2w -t2f`) or in
    other usual ways (`T1Gd`, `t1_ce`, `T2-FLAIR`), in NIfTI, NRRD, MHA or MHD. Masks and segmentations are
    passed over.

    Raises SegMambaError when the folder is not there, or holds no file or several for a role.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "this is a file, not a folder" if folder.exists() else "there is no such folder"
        raise SegMambaError(f"{folder}: {problem}. Give the folder of a case, or its four files.")
    found: dict[str, list[Path]] = {role: [] for role in ROLES}
    for path in sorted(folder.iterdir()):
        if path.is_file() and (role := _role_of(path.name)):
            found[role].append(path)

    if any(len(paths) != 1 for paths in found.values()):
        summary = "; ".join(f"{ROLE_TITLES[role]}: {_names(paths)}" for role, paths in found.items())
        raise SegMambaError(
            f"{folder}: one file for each of T1, T1Gd, T2 and T2-FLAIR is needed. Found {summary}.\n"
            "Name the four files one by one, or as in BraTS (-t1n, -t1c, -t2w, -t2f)."
        )
    return {role: paths[0] for role, paths in found.items()}


def _role_of(file_name: str) -> str | None:
    stem, is_image = _SUFFIX.subn("", file_name)
    # macOS leaves "._name" beside each file on foreign disks.
    if not is_image or file_name.startswith(".") or _DERIVED.search(stem):
        return None
    return next((role for role, pattern in _ROLE_PATTERNS.items() if pattern.search(stem)), None)


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths) or "none"
