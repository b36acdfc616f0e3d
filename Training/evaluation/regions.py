"""One case: the sizes of its regions and what the conventions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from SegMambaCore.segmentation.regions import REGIONS
from Training.evaluation.table import Row
from Training.metrics.conventions import measure
from Training.metrics.nearest import Mask, Spacing


def compare_regions(
    prediction: Mapping[str, Mask],
    reference: Mapping[str, Mask],
    spacing: Spacing,
    conventions: Sequence[str],
) -> Row:
    """Return the voxels of WT, TC and ET in both, as text, and every figure of the named conventions.

    prediction, reference: masks (k, j, i) by region. spacing: millimetres along the same axes.
    """
    voxels: Row = {}
    for region in REGIONS:
        voxels[f"voxels_{region}"] = str(np.count_nonzero(prediction[region]))
        voxels[f"reference_voxels_{region}"] = str(np.count_nonzero(reference[region]))
    return voxels | measure(prediction, reference, spacing, conventions)
