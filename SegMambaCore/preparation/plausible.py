"""Whether a mask can be a brain."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.volume.bounding_box import bounding_box
from SegMambaCore.volume.convert import to_sitk
from SegMambaCore.volume.volume import Volume

_VOLUME_ML = (750.0, 2100.0)
_SIDES_MM = (
    (100.0, 195.0),
    (120.0, 230.0),
    (80.0, 210.0),
)  # left-right, front-back, down-up, of a tilted head too
_LEAST_IN_ONE_PIECE = 0.97
_LEAST_OF_BOX = 0.33  # an ellipsoid fills 0.52, a brain with its stem 0.40 to 0.50
_LEAST_IN_TISSUE = 0.85


def why_no_brain(mask: Volume, head: Volume) -> str:
    """Return a phrase that says why the mask cannot be the brain of that head; empty where it can.

    mask: axes as in `to_orientation(head, "RAS")`. Volume, size, pieces, shape and place are looked at. A head of
    which the field of view shows only a part has less brain, which makes it implausible too.
    """
    inside = mask.array > 0
    box = bounding_box(inside)
    if box is None:
        return "none was found"
    voxels = int(np.count_nonzero(inside))
    millilitres = voxels * mask.grid.voxel_volume_ml
    low, high = _VOLUME_ML
    if not low <= millilitres <= high:
        return f"what was found has {millilitres:.0f} mL"
    sides = [(side.stop - side.start) * step for side, step in zip(box[::-1], mask.grid.spacing, strict=True)]
    if any(not least <= side <= most for side, (least, most) in zip(sides, _SIDES_MM, strict=True)):
        return f"what was found measures {' x '.join(f'{side:.0f}' for side in sides)} mm"
    if millilitres / (np.prod(sides) / 1000) < _LEAST_OF_BOX:
        return "what was found is not compact"
    if _share_of_largest(mask) < _LEAST_IN_ONE_PIECE:
        return "what was found is in pieces"
    if _share_in_tissue(inside, mask, head) < _LEAST_IN_TISSUE:
        return "what was found reaches into the air"
    return ""


def _share_of_largest(mask: Volume) -> float:
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(to_sitk(mask)))
    sizes = np.bincount(pieces.ravel())[1:]
    return float(sizes.max() / sizes.sum())


def _share_in_tissue(inside: NDArray[np.bool_], mask: Volume, head: Volume) -> float:
    """Return the part of the mask that is brighter than air and dark skull."""
    from SegMambaCore.volume.resample import resample

    values = resample(head, mask.grid).array
    threshold = 0.15 * float(np.percentile(values[inside], 90))
    return float((values[inside] > threshold).mean())
