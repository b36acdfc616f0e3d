"""The synthetic patient, coarse enough for quick tests."""

from __future__ import annotations

from functools import cache

import numpy as np

from SegMambaCore.case.case import Case
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.volume.geometries import LPS, grid_around

SPACING = (3.0, 3.0, 3.0)


@cache
def coarse_phantom(seed: int = 0) -> tuple[Case, Volume]:
    """Return a case and its labels at 3 mm, with the array axes exactly along L, P, S."""
    grid = grid_around((4, -7, 12), (52, 66, 56), SPACING, LPS)
    return make_phantom(seed, grid.shape, grid.affine)


def spec(**changes: object) -> ModelSpec:
    """Return a model's metadata that fits `coarse_phantom`."""
    fields = {
        "name": "test",
        "network": "small",
        "channels": ("t1n", "t1c", "t2w", "t2f"),
        "spacing": SPACING,
        "orientation": "LPS",
        "normalisation": "zscore_brain",
        "activation": "sigmoid",
        "outputs": ("WT", "TC", "ET"),
    }
    return ModelSpec(**{**fields, **changes})  # type: ignore[arg-type]


def moved(volume: Volume, motion: np.ndarray) -> Volume:
    """Return the volume with its affine moved by a 4 x 4 motion in RAS."""
    return Volume(volume.array, motion @ volume.affine, volume.name)
