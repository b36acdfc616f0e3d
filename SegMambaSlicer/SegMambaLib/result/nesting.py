"""Making WT, TC and ET nest again after edits: each inside the one before."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .regions import REGIONS

Masks = Mapping[str, NDArray[np.bool_]]
"""By region, on one grid."""

_PAIRS = tuple(pairwise(REGIONS))
"""(outer, inner), from the outside."""


def regionsOutside(masks: Masks) -> list[tuple[str, str]]:
    """Return the pairs (outer, inner) of which the inner region reaches outside the outer one; none if they nest."""
    return [(outer, inner) for outer, inner in _PAIRS if (masks[inner] & ~masks[outer]).any()]


def nest(masks: Masks, before: Masks | None) -> dict[str, NDArray[np.bool_]]:
    """Return masks that nest, following what the edits meant.

    before: the masks when they last nested, None if that is not known. Where an outer region was erased, what
    lay inside goes with it; where an inner region was painted, the regions around it grow. Without `before` all
    grow: nothing that somebody painted is lost.
    """
    nested = {region: masks[region].copy() for region in REGIONS}
    if before is not None:
        for outer, inner in _PAIRS:
            nested[inner] &= ~(~nested[outer] & before[outer] & before[inner])
    for outer, inner in reversed(_PAIRS):
        nested[outer] |= nested[inner]
    return nested
