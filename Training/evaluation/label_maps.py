"""Label maps of a cohort: found by the names of the cases, read with the convention of their labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from SegMambaCore.report.read_report import EarlierRun, read_report
from SegMambaCore.segmentation.regions import label_map_from_regions, regions_from_label_map
from SegMambaCore.volume.read import read_label_map
from SegMambaCore.volume.volume import Grid

Labels = Literal["brats2021", "brats2023", "brats2024"]
"""Label 4 is ET in brats2021 (and in the years before), unknown in brats2023, the resection cavity in brats2024."""
LABELS: tuple[Labels, ...] = get_args(Labels)

CAVITY_LABEL = 4
_SAME_IN_ALL_YEARS = 2
"""The highest label that is: 1 is NCR and 2 is ED."""

_FILE = re.compile(r"(?P<stem>.+?)(?P<marked>[-_]seg)?\.(nii|nii\.gz|nrrd|mha)", re.IGNORECASE)
_OUR_RESULT = "segmentation"
REPORT = "report.json"
_SCAN = re.compile(r".*[-_](t1|t1ce|t2|flair|t1n|t1c|t2w|t2f)", re.IGNORECASE)
_NAMES: dict[Labels, re.Pattern[str]] = {
    "brats2021": re.compile(r"Bra[tT][sS](17|18|19|20|2021)_\w+"),
    "brats2023": re.compile(r"BraTS-[A-Z]+-\d+-\d+"),
}


@dataclass(frozen=True)
class LabelMap:
    """regions: masks (k, j, i) of WT, TC and ET. cavity: that of RC, in none of the three. grid: where they lie.
    read_as: the convention that the labels were read by.
    """

    regions: dict[str, NDArray[np.bool_]]
    cavity: NDArray[np.bool_]
    grid: Grid
    read_as: Labels

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between voxels along the axes of the masks, (k, j, i)."""
        i, j, k = self.grid.spacing
        return k, j, i

    def labels(self) -> NDArray[np.uint8]:
        """Return labels (k, j, i): 1 NCR, 2 ED, 3 ET, 4 RC."""
        return np.where(
            self.cavity, np.uint8(CAVITY_LABEL), label_map_from_regions(self.regions, "brats2023")
        )


def find_label_maps(folder: Path) -> dict[str, Path]:
    """Return the label map of each case in a folder, by the case's name.

    Those are CASE.nii.gz, CASE-seg.nii.gz and CASE_seg.nii.gz (.nii, .nrrd and .mha too) in the folder itself;
    CASE-seg and CASE_seg in folders within it, and CASE/segmentation.nii.gz, as SegMamba's batch writes it.
    Raises SegMambaError when there is none, or two of one name.
    """
    if not folder.is_dir():
        raise SegMambaError(f"{folder}: there is no such folder. Give one that holds label maps.")
    found: dict[str, Path] = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        case = _case_name(path, folder)
        if case is None or not path.is_file():
            continue
        if case in found:
            raise SegMambaError(
                f"{folder}: two label maps of the case {case}, {found[case].relative_to(folder)} and"
                f" {path.relative_to(folder)}. Leave one of them."
            )
        found[case] = path
    if not found:
        raise SegMambaError(f"{folder}: holds no label map. They are called CASE.nii.gz or CASE-seg.nii.gz.")
    return found


def read_labels(path: Path, case: str, told: Labels | None) -> LabelMap:
    """Read a label map.

    told: the convention; None takes it from the case's name, BraTS2021_00000 and its like or BraTS-GLI-00000-000.
    A 4 in a file of the latter name means something else in every year, and is refused unless told.
    Raises SegMambaError when the file cannot be read, holds a label that its convention does not know, or one whose
    meaning nobody tells.
    """
    volume = read_label_map(path)
    array = volume.array
    labels = told or next((labels for labels, names in _NAMES.items() if names.fullmatch(case)), None)
    if told is None and labels == "brats2023" and (array == CAVITY_LABEL).any():
        raise SegMambaError(
            f"{path}: holds the label 4, which files of this name have only from 2024 on, as resection cavity.\n"
            "If that is what it means, give --labels brats2024; if it is enhancing tumor, --labels brats2021."
        )
    if labels is None:
        if (array > _SAME_IN_ALL_YEARS).any():
            raise SegMambaError(
                f"{path}: the name {case} tells no BraTS year, so what the labels 3 and 4 mean is not known.\n"
                "Tell it with --labels, or --prediction-labels for predictions alone."
            )
        labels = "brats2023"
    cavity = array == CAVITY_LABEL if labels == "brats2024" else np.zeros(array.shape, dtype=np.bool_)
    array = np.where(cavity, 0, array)
    try:
        regions = regions_from_label_map(
            array, "brats2021" if labels == "brats2021" else "brats2023", str(path)
        )
    except SegMambaError as error:
        raise SegMambaError(
            f"{error}\n--labels says how to read, --prediction-labels for predictions alone."
        ) from error
    return LabelMap(regions, cavity, volume.grid, labels)


def reported_labels(path: Path) -> Labels | None:
    """Return the convention that SegMamba's report beside a result of its own names, None for other label maps."""
    run = run_of(path)
    return next((labels for labels in LABELS if run is not None and run.label_convention == labels), None)


def run_of(path: Path) -> EarlierRun | None:
    """Return what SegMamba's report beside a result of its own says, None for other label maps."""
    return read_report(path.parent / REPORT) if path.name.startswith(f"{_OUR_RESULT}.") else None


def _case_name(path: Path, folder: Path) -> str | None:
    match = _FILE.fullmatch(path.name)
    if match is None or path.name.startswith("."):
        return None
    if match["marked"]:
        return match["stem"]
    if path.parent != folder:
        return path.parent.name if match["stem"] == _OUR_RESULT and ".nii" in path.name else None
    return None if _SCAN.fullmatch(match["stem"]) else match["stem"]
