"""A cohort of synthetic patients, named and laid out as BraTS lays out its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from SegMambaCore.errors import SegMambaError
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume

LABELS = "brats2023"
"""What the label maps mean; the names tell no year."""

_DRAWN_AT_MM = 2.0
_SHAPE = (75, 96, 80)
"""Voxels (k, j, i) of the head at that spacing."""


def write_cohort(folder: Path, cases: int) -> Iterator[Path]:
    """Write so many cases below a folder, yielding each one's; those that are there already are left alone.

    Heads are half as large as a person's, drawn at 2 mm and written as of 1 mm: an eighth of the voxels, so that a CPU
    trains on them in minutes. Case n is the same in every cohort.
    Raises SegMambaError when a file cannot be written.
    """
    for number in range(cases):
        name = f"Synthetic-{number:03d}"
        case_folder = folder / name
        if not (case_folder / f"{name}-seg.nii.gz").is_file():
            _write_case(case_folder, name, number)
        yield case_folder


def _write_case(folder: Path, name: str, seed: int) -> None:
    case, labels = make_phantom(seed, _SHAPE, np.diag([-_DRAWN_AT_MM, -_DRAWN_AT_MM, _DRAWN_AT_MM, 1.0]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegMambaError(f"{folder}: cannot be made ({error.strerror}). Choose another place.") from error
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    # The segmentation comes last: a folder that has one is whole.
    for suffix, volume in {**case.volumes, "seg": labels}.items():
        write_volume(Volume(volume.array, affine, volume.name), folder / f"{name}-{suffix}.nii.gz")
