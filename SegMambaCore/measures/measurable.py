"""When a lesion is large enough for its diameters to be followed.

RANO (Wen et al., J Clin Oncol 28, 2010): two perpendicular diameters of at least 10 mm, visible on two or more
axial slices; where slices are thicker than 5 mm, at least twice their thickness.
"""

from __future__ import annotations

from SegMambaCore.volume.volume import Grid

_LEAST_DIAMETER_MM = 10.0
_THICK_MM = 5.0
_LEAST_SLICES = 2
_ROUNDING_MM = 1e-3  # of spacings in headers


def least_diameter_mm(grid: Grid) -> float:
    """Return the diameter from which on a lesion on this grid is measurable, in millimetres.

    The slice thickness is the largest spacing, whichever way the slices lie: a diameter across thick coronal
    slices is no more certain than one across thick axial slices.
    """
    thickness = max(grid.spacing)
    return 2 * thickness if thickness > _THICK_MM + _ROUNDING_MM else _LEAST_DIAMETER_MM


def is_measurable(longest_mm: float, perpendicular_mm: float, slices: int, least_mm: float) -> bool:
    """Whether both diameters reach `least_diameter_mm` and enough axial slices show the lesion."""
    return min(longest_mm, perpendicular_mm) >= least_mm - _ROUNDING_MM and slices >= _LEAST_SLICES
