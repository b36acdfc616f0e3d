"""Made-up brains in the layouts of the published data sets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

SHAPE = (30, 36, 33)
ROLES = ("t1n", "t1c", "t2w", "t2f")
NAMES_2021 = ("_t1", "_t1ce", "_t2", "_flair", "_seg")
NAMES_2023 = ("-t1n", "-t1c", "-t2w", "-t2f", "-seg")
TASK01 = {
    "name": "BRATS",
    "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
    "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
}


@dataclass(frozen=True)
class Brain:
    """Four contrasts (k, j, i) by role and labels: 1 NCR (24 voxels), 2 ED (408), 3 ET (216)."""

    contrasts: dict[str, NDArray[np.float32]]
    labels: NDArray[np.uint8]


def brain(seed: int = 0) -> Brain:
    """Noise around a smooth pattern of its own, whose enhancing tumour is brighter than all else on T1Gd."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[8:17, 9:17, 10:19] = 2
    labels[10:16, 11:16, 11:19] = 3
    labels[11:15, 12:14, 13:16] = 1
    coarse = [sitk.GetImageFromArray(rng.uniform(0, 300, size=(5, 6, 5)).astype(np.float32)) for _ in ROLES]
    contrasts = {}
    for role, image in zip(ROLES, coarse, strict=True):
        k, j, i = (side - 6 for side in SHAPE)
        grid = sitk.Image(i, j, k, sitk.sitkFloat32)
        grid.SetSpacing(
            [(n - 1) / max(m - 1, 1) for n, m in zip(image.GetSize(), grid.GetSize(), strict=True)]
        )
        array = np.zeros(SHAPE, dtype=np.float32)
        pattern = sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear))
        array[3:-3, 3:-3, 3:-3] = np.rint(100 + pattern + rng.uniform(0, 30, size=pattern.shape))
        array[labels == 3] += 600 if role == "t1c" else 0
        contrasts[role] = array
    return Brain(contrasts, labels)


def write_brats(
    data: Path,
    case: str,
    brain: Brain,
    *,
    names: tuple[str, ...] = NAMES_2021,
    et_label: int = 4,
    orientation: str = "LPS",
    suffix: str = ".nii.gz",
    dtype: type = np.int16,
) -> Path:
    """Write DATA/CASE/CASE_t1.nii.gz and so on; return the folder."""
    folder = data / case
    folder.mkdir(parents=True)
    arrays = [brain.contrasts[role].astype(dtype) for role in ROLES]
    labels = np.where(brain.labels == 3, np.uint8(et_label), brain.labels)
    for name, array in zip(names, [*arrays, labels], strict=True):
        image = sitk.DICOMOrient(_placed(array), orientation)
        sitk.WriteImage(image, str(folder / f"{case}{name}{suffix}"))
    return folder


def write_task01(data: Path, brains: dict[str, Brain]) -> Path:
    """Write DATA/Task01_BrainTumour with a 4D file for each brain, by name; return that folder."""
    folder = data / "Task01_BrainTumour"
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True)
    numbers = np.array([0, 2, 1, 3], dtype=np.uint8)  # of NCR and ED: the other way round
    for name, one in brains.items():
        frames = [_placed(one.contrasts[role]) for role in ("t2f", "t1n", "t1c", "t2w")]
        sitk.WriteImage(sitk.JoinSeries(frames), str(folder / "imagesTr" / f"{name}.nii.gz"))
        sitk.WriteImage(_placed(numbers[one.labels]), str(folder / "labelsTr" / f"{name}.nii.gz"))
    training = [
        {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in brains
    ]
    description = TASK01 | {"training": training, "test": ["./imagesTs/BRATS_485.nii.gz"]}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def _placed(array: NDArray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetOrigin((5.0, -20.0, 7.0))
    return image
