"""Finding training cases below a folder by the names of files."""

from __future__ import annotations

import os
from pathlib import Path

from SegMambaCore.case.find import is_image_name
from SegMambaCore.errors import SegMambaError
from Training.data_sets.brats import BratsCase
from Training.data_sets.decathlon import DESCRIPTION, read_description
from Training.data_sets.found_case import FoundCase
from Training.evaluation.label_maps import Labels


def find_cases(data: Path, told: Labels | None = None) -> list[FoundCase]:
    """Return all cases below a folder, at any depth and of several data sets, sorted by name.

    A folder with images in it is a BraTS case; what lies below a dataset.json is what that says. Nothing is
    opened but the latter. told: what the labels mean of BraTS cases whose names tell no year.
    Raises SegMambaError when there is no such folder, no case in it, or a dataset.json of another kind.
    """
    if not data.is_dir():
        raise SegMambaError(
            f"{data}: there is no such folder. Give one with BraTS cases or Task01_BrainTumour."
        )
    found: list[FoundCase] = []
    for folder, below, files in os.walk(data, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if DESCRIPTION in files:
            below.clear()
            found += read_description(Path(folder, DESCRIPTION))
        elif any(is_image_name(name) for name in files):
            found.append(BratsCase(Path(folder), told))
    if not found:
        raise SegMambaError(f"{data}: holds no case. A case is a folder with NAME_t1.nii.gz and so on.")
    return sorted(found, key=lambda case: (case.name, str(case.place)))
