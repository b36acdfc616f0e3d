"""Finding the contrasts of a case in a folder by their file names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from SegMambaCore.case.appearance import look_at
from SegMambaCore.case.case import FEWEST_CONTRASTS, ROLE_TITLES
from SegMambaCore.case.recognise import RoleChoice, assign_roles
from SegMambaCore.case.series import Series
from SegMambaCore.errors import SegMambaError

_SUFFIX = re.compile(r"\.(nii|nii\.gz|nrrd|mha|mhd)$", re.IGNORECASE)


def find_case_files(folder: Path) -> dict[str, Path]:
    """Return the file of each role in a folder that holds one case.

    Names as in BraTS up to 2021 (`_t1 _t1ce _t2 _flair`), from 2023 on (`-t1n -t1c -t2w -t2f`) or in any way that
    `assign_roles` knows, in NIfTI, NRRD, MHA or MHD. Masks, segmentations and other images are passed over, and
    what was made from another file (`t1_bias` beside `t1`) is. No other choice is made between files. A role without a
    file is left out where two others have theirs and no file is left that might be it.

    Raises SegMambaError when the folder is not there, or holds no file or several for a role.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "this is a file, not a folder" if folder.exists() else "there is no such folder"
        raise SegMambaError(f"{folder}: {problem}. Give the folder of a case, or its four files.")
    paths = image_files(folder)
    choices = assign_roles([series_of_file(path.name) for path in paths])
    if not _are_clear(choices, paths):
        summary = "; ".join(
            f"{ROLE_TITLES[role]}: {', '.join(paths[index].name for index in choice.candidates) or 'none'}"
            for role, choice in choices.items()
        )
        raise SegMambaError(
            f"{folder}: one file for each of T1, T1Gd, T2 and T2-FLAIR is wanted. Found {summary}.\n"
            "Name the files one by one, or as in BraTS (-t1n, -t1c, -t2w, -t2f)."
            + ("" if paths or not _has_folders(folder) else "\nFor a folder of patients there is `batch`.")
        )
    return {role: paths[choice.index] for role, choice in choices.items() if choice.index is not None}


def _has_folders(folder: Path) -> bool:
    return any(path.is_dir() for path in folder.iterdir())


def image_files(folder: Path) -> list[Path]:
    """Return the NIfTI, NRRD, MHA and MHD files that lie directly in a folder, by name."""
    return [path for path in sorted(folder.iterdir()) if path.is_file() and is_image_name(path.name)]


def is_image_name(name: str) -> bool:
    """Return whether a file's name is that of a NIfTI, NRRD, MHA or MHD file."""
    # macOS leaves "._name" beside each file on foreign disks.
    return _SUFFIX.search(name) is not None and not name.startswith(".")


def series_of_file(name: str) -> Series:
    """Return what an image file's name says."""
    return Series(_SUFFIX.sub("", name))


def _are_clear(choices: Mapping[str, RoleChoice], paths: Sequence[Path]) -> bool:
    """Whether every role has its file, or is missing beyond doubt."""
    missing = [role for role, choice in choices.items() if not choice.candidates]
    if not all(_is_plain(choice) for role, choice in choices.items() if role not in missing):
        return False
    if not missing:
        return True
    explained = {index for choice in choices.values() for index in choice.candidates}
    left = [path for index, path in enumerate(paths) if index not in explained]
    unknown = [path for path in left if not look_at(series_of_file(path.name)).is_unwanted]
    return len(choices) - len(missing) >= FEWEST_CONTRASTS and not unknown


def _is_plain(choice: RoleChoice) -> bool:
    return choice.index is not None and (choice.confidence == "sure" or len(choice.candidates) == 1)
