"""Moving the slice views to a lesion."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray

from .linePair import lineEnds
from .rows import LesionRow

_AXIAL_COSINE = np.cos(np.radians(35))  # of a view that shows axial slices, or nearly so
_TILT = 1e-3  # radians: below, the lines lie in the view's plane anyway


def showLesion(row: LesionRow) -> None:
    """Move all slice views to a lesion; axial ones are tilted into the plane of its lines.

    Where the volume's own slices are tilted, so are the lines, and an untilted view would show neither whole.
    """
    centre, normal = _centreAndNormal(row)
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        matrix = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
        cosine = abs(float(matrix[:3, 2] @ normal))
        if cosine > _AXIAL_COSINE and np.arccos(min(cosine, 1.0)) > _TILT:
            _tilt(view, normal)
        view.JumpSlice(*centre)


def _tilt(view: slicer.vtkMRMLSliceNode, normal: NDArray[np.float64]) -> None:
    # A radiologist's axial view: the patient's left on the right, anterior at the top, superior as the normal,
    # which makes a left-handed system, as Slicer's own axial orientation is.
    left = np.array([-1.0, 0.0, 0.0])
    left -= (left @ normal) * normal
    left /= np.linalg.norm(left)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([left, np.cross(left, normal), normal])
    view.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(matrix))
    view.UpdateMatrices()


def _centreAndNormal(row: LesionRow) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where to look, and the superior normal of the plane of the lines; that of axial planes without lines."""
    axial = np.array([0.0, 0.0, 1.0])
    if row.pair is None:
        longest, perpendicular = row.measures.longest, row.measures.perpendicular
        if longest is None or perpendicular is None:
            return row.measures.centre, axial
        (a, b), (c, d) = (longest.start, longest.end), (perpendicular.start, perpendicular.end)
    else:
        (a, b), (c, d) = lineEnds(row.pair.longest), lineEnds(row.pair.perpendicular)
    normal = np.cross(b - a, d - c)
    length = np.linalg.norm(normal)
    if length < 1e-6:
        return (a + b) / 2, axial
    return (a + b) / 2, normal / length * (1 if normal[2] >= 0 else -1)
