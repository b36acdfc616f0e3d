"""A volume made ready for registration: smooth versions at coarse spacings, and where the head is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.convert import to_sitk
from SegMambaCore.volume.volume import Volume

SPACINGS_MM = (6.0, 3.0, 1.5)
"""From coarse to fine."""

_HEAD_SPACING_MM = 3.0
_RIM_VOXELS = 3  # of background around the head, whose edge says most about where it lies
_LEAST_HEAD_ML = 50.0
_POINTS = 400
_IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


@dataclass(frozen=True)
class HeadImage:
    """ITK images in LPS millimetres, as the volume lies.

    levels: the image by its isotropic spacing in millimetres.
    region: 1 in the head and in a rim around it, on the grid of the 3 mm level.
    centre: the head's centroid, LPS. points: (n, 3), spread evenly over the head, LPS.
    """

    levels: dict[float, sitk.Image]
    region: sitk.Image
    centre: NDArray[np.float64]
    points: NDArray[np.float64]

    def region_at(self, spacing: float) -> sitk.Image:
        """The region on the grid of a level."""
        return sitk.Resample(self.region, self.levels[spacing], _IDENTITY, sitk.sitkNearestNeighbor)


def prepare_head(volume: Volume) -> HeadImage:
    """Smooth and shrink the volume, and find the head: the largest piece brighter than air.

    Raises SegMambaError when there is no such piece.
    """
    low, high = np.percentile(volume.array[::2, ::2, ::2], [0.1, 99.8])
    if low == high:
        low, high = float(volume.array.min()), float(volume.array.max())
    # Single bright voxels, vessels and artefacts would take most bins of the histogram.
    image = sitk.Clamp(to_sitk(volume), sitk.sitkFloat32, float(low), float(high))
    levels = {spacing: _shrink(image, spacing, float(low)) for spacing in SPACINGS_MM}

    head = _largest_piece(levels[_HEAD_SPACING_MM], float(low))
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(head)
    if not shape.HasLabel(1) or shape.GetPhysicalSize(1) < _LEAST_HEAD_ML * 1000:
        raise SegMambaError(f"{volume.name}: no head was found in it. Give a scan of a head.")
    return HeadImage(
        levels,
        sitk.BinaryDilate(head, [_RIM_VOXELS] * 3),
        np.array(shape.GetCentroid(1)),
        _points_within(head),
    )


def _shrink(image: sitk.Image, spacing: float, background: float) -> sitk.Image:
    """Bring an image to an isotropic spacing over the same field of view, smoothed where that is coarser."""
    steps = np.array(image.GetSpacing())
    for axis, step in enumerate(steps):
        if step < 0.75 * spacing:
            image = sitk.RecursiveGaussian(
                image, 0.45 * spacing, False, sitk.RecursiveGaussianImageFilter.ZeroOrder, axis
            )
    size = np.ceil(np.array(image.GetSize()) * steps / spacing - 0.01).astype(int)
    origin = image.TransformContinuousIndexToPhysicalPoint((0.5 * spacing / steps - 0.5).tolist())
    # The nearest value, not background, in the half voxel beyond the outermost centres.
    return sitk.Resample(
        image,
        size.tolist(),
        _IDENTITY,
        sitk.sitkLinear,
        origin,
        [spacing] * 3,
        image.GetDirection(),
        background,
        sitk.sitkFloat32,
        True,
    )


def _largest_piece(image: sitk.Image, background: float) -> sitk.Image:
    """Label the head 1: Otsu's threshold on square roots, which weigh dark tissue like bright."""
    above = sitk.Clamp(image - background, sitk.sitkFloat32, 0.0)
    bright = sitk.BinaryMorphologicalClosing(sitk.OtsuThreshold(sitk.Sqrt(above), 0, 1, 64), [2] * 3)
    return sitk.RelabelComponent(sitk.ConnectedComponent(bright)) == 1


def _points_within(head: sitk.Image) -> NDArray[np.float64]:
    indices = np.argwhere(sitk.GetArrayViewFromImage(head))
    some = indices[:: max(1, len(indices) // _POINTS), ::-1]
    return np.array([head.TransformIndexToPhysicalPoint(index.tolist()) for index in some])
