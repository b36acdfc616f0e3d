"""What the network gets, with the record of how to go back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.volume.volume import Grid


@dataclass(frozen=True)
class PreparationRecord:
    """How to undo a preparation.

    reference_grid: the grid the result must lie on, as the reference volume was loaded.
    model_grid: the same field of view in the model's orientation and spacing, before cropping.
    crop_start, crop_shape: the box of `model_grid` that the tensor covers, in (k, j, i). It may reach beyond
        `model_grid` on either side (negative start): what lies outside was filled with background.
    """

    reference_grid: Grid
    model_grid: Grid
    crop_start: tuple[int, int, int]
    crop_shape: tuple[int, int, int]


@dataclass(frozen=True)
class PreparedCase:
    """The network's input.

    tensor: float32 (channels, k, j, i) in the model's orientation, spacing, channel order and normalisation.
    record: how to undo it.
    warnings: sentences for the report, for instance about volumes that do not fit onto each other.
    """

    tensor: NDArray[np.float32]
    record: PreparationRecord
    warnings: tuple[str, ...] = ()
