"""The synthetic patient as files."""

from __future__ import annotations

from pathlib import Path

from SegMambaCore.case.case import ROLES
from SegMambaCore.errors import SegMambaError
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.sample.raw import make_raw_sample
from SegMambaCore.volume.write import write_volume


def write_sample(directory: Path, *, raw: bool = False) -> dict[str, Path]:
    """Write the sample case into a folder, made if need be, and return the file of each role and of "seg".

    raw: as scanners deliver it, with the labels on the voxels of T1Gd. The files are named as in BraTS 2023:
    `Sample-t1n.nii.gz` and so on, labels in `Sample-seg.nii.gz`. Raises SegMambaError when the folder cannot be
    written to.
    """
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegMambaError(
            f"{directory}: the folder cannot be made ({error.strerror}). Choose another."
        ) from error
    if raw:
        sample = make_raw_sample()
        case, labels = sample.case, sample.labels
    else:
        case, labels = make_phantom()
    paths = {name: directory / f"Sample-{name}.nii.gz" for name in (*ROLES, "seg")}
    for name, volume in {**case.volumes, "seg": labels}.items():
        write_volume(volume, paths[name])
    return paths
