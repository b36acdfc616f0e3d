"""What makes a case unfit for training, though each of its files can be read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.volume_checks import THICKEST_SLICE_MM, thick_slices_mm
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.volume import Grid, Volume

_SAME_PLACE_MM = 0.1
_MOST_OUTSIDE = 0.02
"""Share of the tumour that may lie where no contrast shows anything. In 44 real cases not one voxel does."""


def check_complete(case: Case) -> None:
    """Refuse a case without one of the four contrasts. Raises SegMambaError that names what is missing."""
    if missing := [title for role, title in ROLE_TITLES.items() if role not in case.volumes]:
        raise SegMambaError(f"{' and '.join(missing)}: none was found. A training needs all four contrasts.")


def check_grids(case: Case, labels: Volume) -> None:
    """Refuse volumes and labels that do not share one grid, and thick slices.

    Raises SegMambaError that says which differ in what.
    """
    reference, title = case.reference_volume.grid, ROLE_TITLES[case.reference]
    others = {ROLE_TITLES[role]: volume.grid for role, volume in case.volumes.items()}
    for name, grid in (others | {"The segmentation": labels.grid}).items():
        if difference := _difference(grid, reference):
            raise SegMambaError(
                f"{name} and {title} lie on different grids: {difference}. All files of a case must share one."
            )
    if thickness := thick_slices_mm(reference):
        raise SegMambaError(
            f"{title} has slices of {thickness:.1f} mm. Thicker than {THICKEST_SLICE_MM:g} mm is of no use here."
        )


def check_labels(whole: NDArray[np.uint8], cropped: NDArray[np.uint8], tensor: NDArray[np.float32]) -> None:
    """Refuse a tumour that lies beside the brain.

    whole: labels on the whole grid. cropped: those in the box of `tensor` (channels, D, H, W), background 0.
    Raises SegMambaError that says how much of it does.
    """
    tumor = np.count_nonzero(whole)
    outside = tumor - np.count_nonzero(cropped[tensor.any(axis=0)])
    if outside > _MOST_OUTSIDE * tumor:
        raise SegMambaError(
            f"{outside / tumor:.0%} of the tumor in the segmentation lies where no contrast shows anything. "
            "Is it another patient's, or turned over?"
        )


def _difference(one: Grid, other: Grid) -> str:
    """Say in what two grids differ, "" where they do not."""
    if one.shape != other.shape:
        return f"shapes {_joined(one.shape[::-1])} and {_joined(other.shape[::-1])}"
    if not np.allclose(one.spacing, other.spacing, rtol=1e-3):
        return f"spacings {_joined(one.spacing)} mm and {_joined(other.spacing)} mm"
    if not one.matches(other, _SAME_PLACE_MM):
        return "shape and spacing agree, but one is turned or moved (affine)"
    return ""


def _joined(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:g}" for value in values)
