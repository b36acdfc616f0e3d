"""Cases made of geometry alone, for looking at the report."""

from __future__ import annotations

import numpy as np

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.volume import Grid, Volume

TUMOR_CENTRE = np.array([35.0, 30.0, 20.0])  # RAS: right, anterior, superior of the head's centre
TUMOR_RADII = {"WT": 25.0, "TC": 16.0, "ET": 9.0}


def grid(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], turn: np.ndarray | None = None
) -> Grid:
    """A grid (k, j, i) around the origin of RAS, in LPS orientation unless turned."""
    affine = np.eye(4)
    affine[:3, :3] = (np.diag((-1.0, -1.0, 1.0)) if turn is None else turn) * np.asarray(spacing)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, affine)


def points(of: Grid) -> np.ndarray:
    """RAS millimetres of all voxel centres, (3, k, j, i)."""
    k, j, i = np.indices(of.shape)
    return np.einsum("rc,ckji->rkji", of.affine, np.stack([i, j, k, np.ones_like(i)]).astype(float))[:3]


def head(of: Grid) -> Volume:
    """An ellipsoid with a bright rim, a brighter tumor core, and 0 around."""
    radius = np.sqrt(sum((axis / r) ** 2 for axis, r in zip(points(of), (70, 85, 60), strict=True)))
    values = np.where(radius <= 1, 90 + 60 * radius, 0)
    values[distance_to_tumor(of) <= TUMOR_RADII["TC"]] = 200
    return Volume(values.astype(np.int16), of.affine)


def distance_to_tumor(of: Grid) -> np.ndarray:
    return np.linalg.norm(points(of) - TUMOR_CENTRE[:, None, None, None], axis=0)


def case(grids: dict[str, Grid], reference: str = "t1c") -> Case:
    heads = {id(one): head(one) for one in grids.values()}
    return Case({role: heads[id(grids[role])] for role in ROLES}, reference)


def segmentation(of: Grid, empty: tuple[str, ...] = ()) -> Segmentation:
    distance = distance_to_tumor(of)
    return Segmentation(
        {
            region: np.zeros(of.shape, dtype=bool) if region in empty else distance <= radius
            for region, radius in TUMOR_RADII.items()
        },
        of,
    )
