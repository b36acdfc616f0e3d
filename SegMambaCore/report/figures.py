"""Measures as the report spells them."""

from __future__ import annotations

from typing import Any

from SegMambaCore.measures.measure import Diameter, LesionMeasures, Measures
from SegMambaCore.segmentation.regions import REGIONS


def region_figures(measures: Measures) -> dict[str, dict[str, Any]]:
    """Return the entry of each region.

    "found" is false for a region without voxels, whose 0 mL would read as a measurement. "specks": how many of
    the lesions have 0.05 mL or less. "mean_intensity": by contrast, in the volume's units.
    """
    return {
        key: {
            "title": REGIONS[key].title,
            "found": region.lesions > 0,
            "voxels": region.voxels,
            "volume_ml": round(region.volume_ml, 4),
            "lesions": region.lesions,
            "specks": region.specks,
            "side": region.side,
            "mean_intensity": {
                role: None if mean is None else round(mean, 3) for role, mean in region.mean_intensity.items()
            },
        }
        for key, region in measures.regions.items()
    }


def lesion_figures(measures: Measures) -> list[dict[str, Any]]:
    """Return the entries of the enhancing lesions, the largest volume first.

    Each diameter is its length and its ends in RAS millimetres, or null.
    """
    return [_lesion(lesion) for lesion in measures.lesions]


def _lesion(lesion: LesionMeasures) -> dict[str, Any]:
    product = lesion.product_mm2
    return {
        "volume_ml": round(lesion.volume_ml, 4),
        "side": lesion.side,
        "longest": _diameter(lesion.longest),
        "perpendicular": _diameter(lesion.perpendicular),
        "product_mm2": None if product is None else round(product, 1),
        "axial_slices": lesion.slices,
        "measurable": lesion.measurable,
    }


def _diameter(diameter: Diameter | None) -> dict[str, Any] | None:
    if diameter is None:
        return None
    ends = [[round(float(part), 3) for part in end] for end in (diameter.start, diameter.end)]
    return {"mm": round(diameter.length_mm, 2), "from": ends[0], "to": ends[1]}
