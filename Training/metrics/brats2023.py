"""The lesion-wise convention of BraTS 2023, with the sizes of its glioma task.

Dice and HD95 are means over the lesions of the reference and the false positives, so 0.87 is near the top:
never to be put beside the Dice of a whole region. A missed lesion and a false positive count Dice 0, HD95 374 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, generate_binary_structure, label

from SegMambaCore.volume.bounding_box import Box, bounding_box
from Training.metrics.dice import dice
from Training.metrics.nearest import Mask, Spacing
from Training.metrics.surfels import surfel_hd95

MISSED_HD95_MM = 374.0
DILATIONS = 3
"""Reference components that meet when dilated this often are one lesion; what touches the dilated lesion is a hit."""
LARGEST_IGNORED_MM3 = 50.0
"""Reference lesions up to this are left out. (Other tasks: SSA, PED as here; MEN 1 dilation; MET 1, and 2 mm3.)"""

_CORNERS_TOUCH = generate_binary_structure(3, 3)
_EDGES_TOUCH = generate_binary_structure(3, 2)


@dataclass(frozen=True)
class LesionScore:
    """One lesion of the reference that counts; found: whether a part of the prediction touches it dilated."""

    dice: float
    hd95: float
    found: bool


def brats2023(prediction: Mask, reference: Mask, spacing: Spacing) -> dict[str, float]:
    """Return lesionwise_dice, lesionwise_hd95 and the counts tp, fn, fp of a region's masks (k, j, i)."""
    lesions, false_positives = score_lesions(prediction, reference, spacing)
    found = sum(lesion.found for lesion in lesions)
    counts = {"tp": float(found), "fn": float(len(lesions) - found), "fp": float(false_positives)}
    entries = len(lesions) + false_positives
    if entries == 0:
        return {"lesionwise_dice": 1.0, "lesionwise_hd95": 0.0} | counts
    penalty = false_positives * MISSED_HD95_MM
    return {
        "lesionwise_dice": sum(lesion.dice for lesion in lesions) / entries,
        "lesionwise_hd95": (sum(lesion.hd95 for lesion in lesions) + penalty) / entries,
    } | counts


def score_lesions(prediction: Mask, reference: Mask, spacing: Spacing) -> tuple[list[LesionScore], int]:
    """Return a score for each reference lesion larger than `LARGEST_IGNORED_MM3`, and the number of false positives.

    A predicted component that touches a dilated lesion is compared whole, with each lesion that it touches; one
    that touches none is a false positive, whatever its size.
    """
    box = _box_with_margin(prediction | reference)
    if box is None:
        return [], 0
    prediction, reference = prediction[box], reference[box]
    parts, part_count = label(prediction, structure=_CORNERS_TOUCH)
    dilated = reference
    if reference.any():
        dilated = binary_dilation(reference, structure=_EDGES_TOUCH, iterations=DILATIONS)
    # A component of the dilated reference is its lesion dilated, as no other lesion reaches into it.
    areas, _ = label(dilated, structure=_CORNERS_TOUCH)

    touching = _touching(parts, areas)
    places = find_objects(parts)
    scores = []
    for area, place in enumerate(find_objects(areas), start=1):
        matched = touching[touching[:, 1] == area, 0]
        # All that happens to this lesion happens here.
        here = _around([place, *(places[part - 1] for part in matched)])
        lesion = reference[here] & (areas[here] == area)
        if np.count_nonzero(lesion) * float(np.prod(spacing)) > LARGEST_IGNORED_MM3:
            scores.append(_score(np.isin(parts[here], matched), lesion, spacing))
    return scores, part_count - len(np.unique(touching[:, 0]))


def _score(hit: Mask, lesion: Mask, spacing: Spacing) -> LesionScore:
    if not hit.any():
        return LesionScore(0.0, MISSED_HD95_MM, found=False)
    return LesionScore(dice(hit, lesion), surfel_hd95(hit, lesion, spacing), found=True)


def _touching(parts: NDArray[np.int32], areas: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pairs (n, 2) of a predicted component and a dilated lesion that share a voxel."""
    both = (parts > 0) & (areas > 0)
    return np.unique(np.stack([parts[both], areas[both]], axis=1), axis=0)


def _around(boxes: Sequence[Box]) -> Box:
    """The box that holds some boxes."""
    k, j, i = (
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
    return k, j, i


def _box_with_margin(mask: Mask) -> Box | None:
    """The box that a mask fills, larger by the dilations where the array goes on."""
    box = bounding_box(mask)
    if box is None:
        return None
    k, j, i = (
        slice(max(side.start - DILATIONS, 0), min(side.stop + DILATIONS, length))
        for side, length in zip(box, mask.shape, strict=True)
    )
    return k, j, i
