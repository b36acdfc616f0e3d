"""The transforms and the brain's mask as files, for those who want them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from SegMambaCore.preparation.preparation import Preparation
from SegMambaCore.registration.transform_file import write_transform
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume

BRAIN_FILE = "brain_mask.nii.gz"


def keep_preparation(preparation: Preparation, folder: Path) -> dict[str, str]:
    """Write the ITK transform of each registered sequence and the mask on the reference's own voxels.

    Return the names of the files by kind: "transform_t2f", "brain_mask". What was not done has no file. Raises
    SegMambaError when a file cannot be written.
    """
    files = {}
    for role, motion in preparation.motions.items():
        files[f"transform_{role}"] = name = f"{role}_to_{preparation.case.reference}.tfm"
        write_transform(motion.matrix, folder / name)
    if preparation.brain is not None:
        files["brain_mask"] = BRAIN_FILE
        write_volume(
            brain_on_reference(preparation.brain.mask, preparation.case.reference_volume), folder / BRAIN_FILE
        )
    return files


def brain_on_reference(brain: Volume, reference: Volume) -> Volume:
    """Return the mask (uint8) on the reference's voxels, as it was loaded."""
    soft = resample(Volume(brain.array.astype(np.float32), brain.affine), reference.grid)
    return Volume((soft.array >= 0.5).astype(np.uint8), reference.affine, "brain mask")
