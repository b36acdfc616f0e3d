"""Regions that are too small to be believed: the model's file says below which volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SegMambaCore.segmentation.regions import REGIONS

ORDER = tuple(REGIONS)
"""From the outermost region to the innermost."""


def small_regions(
    masks: Mapping[str, Any], least_ml: Mapping[str, float], voxel_ml: float
) -> dict[str, float]:
    """Return the millilitres of each region that was found and has less than its least volume.

    masks: bool arrays or tensors (...), nested. least_ml: by region, those without a limit left out.
    """
    volumes = {region: float(masks[region].sum()) * voxel_ml for region in least_ml}
    return {region: volume for region, volume in volumes.items() if 0 < volume < least_ml[region]}


def without_small_regions(
    masks: Mapping[str, Any], least_ml: Mapping[str, float], voxel_ml: float
) -> dict[str, Any]:
    """Return the masks with small regions empty, and with them what lies within; the region around keeps its voxels."""
    kept = dict(masks)
    for region in small_regions(masks, least_ml, voxel_ml):
        for inner in ORDER[ORDER.index(region) :]:
            kept[inner] = masks[inner] & ~masks[inner]
    return kept
