"""The voxels of a DICOM series."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.dicom.file import DicomFile, on_disk
from SegMambaCore.dicom.pixels import is_cut_short
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError


def read_series(series: DicomSeries) -> sitk.Image:
    """Return the volume of a series (LPS), slices in order along their normal.

    GDCM, which comes with SimpleITK, decodes the pixels, in each of the compressions that archives use but
    HTJ2K, and applies the modality's scale. A sheared stack, as with a tilted gantry, comes on a straight grid
    that holds all of it, every slice moved within its own plane.
    Raises SegMambaError when the images are no volume, or one is damaged.
    """
    stack = series.stack
    if stack.affine is None:
        raise SegMambaError(f"{series}: {stack.problem}. Export the series again, or give another.")
    image = sitk.GetImageFromArray(_pixels(series))
    steps = np.linalg.norm(stack.affine[:3, :3], axis=0)
    direction = stack.affine[:3, :3] / steps
    sheared = is_sheared(series)
    image.SetSpacing(steps.tolist())
    image.SetOrigin(stack.affine[:3, 3].tolist())
    image.SetDirection((direction if sheared else _orthogonal(direction)).ravel().tolist())
    return _straightened(image) if sheared else image


def is_sheared(series: DicomSeries) -> bool:
    """Whether slices lie aside of each other by more than half a voxel from first to last."""
    spacing = series.stack.frames[0].spacing
    return spacing is not None and series.stack.drift_mm > min(spacing) / 2


def _pixels(series: DicomSeries) -> NDArray:
    """Shape (slices, rows, columns)."""
    slices: list[NDArray] = []
    with on_disk(series.files) as paths:
        decoded: tuple[DicomFile, NDArray] | None = None
        for frame in series.stack.frames:
            if decoded is None or decoded[0] != frame.file:
                name = series.subject.hidden_in(frame.file.name)
                damaged = f"{series}: the image {name} is damaged. Export the series again."
                try:
                    if is_cut_short(paths[frame.file], frame.bytes):
                        raise SegMambaError(damaged)
                    reader = sitk.ImageFileReader()
                    reader.SetImageIO("GDCMImageIO")
                    reader.SetFileName(str(paths[frame.file]))
                    image = reader.Execute()
                except (OSError, RuntimeError) as error:
                    raise SegMambaError(damaged[:-1] + ", uncompressed.") from error
                if image.GetNumberOfComponentsPerPixel() > 1:
                    raise SegMambaError(f"{series}: its images are in color. Give another series.")
                decoded = frame.file, sitk.GetArrayFromImage(image).reshape(-1, *frame.size)
            slices.append(decoded[1][frame.number])
    return np.stack(slices)


def _orthogonal(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest rotation: cosines in headers are rounded."""
    u, _, v = np.linalg.svd(direction)
    return u @ v


def _straightened(image: sitk.Image) -> sitk.Image:
    """Resample a sheared image onto a grid of the same planes, whose third axis is their normal."""
    direction = np.reshape(image.GetDirection(), (3, 3))
    normal = np.cross(direction[:, 0], direction[:, 1])
    straight = _orthogonal(np.column_stack([direction[:, :2], normal]))
    columns, rows, count = image.GetSize()
    spacing = np.array(image.GetSpacing())
    spacing[2] *= abs(direction[:, 2] @ normal)
    # The corners of the first and last slice, along the straight axes (mm from the origin).
    corners = [(i, j, k) for i in (0, columns - 1) for j in (0, rows - 1) for k in (0, count - 1)]
    points = np.array([image.TransformIndexToPhysicalPoint(corner) for corner in corners])
    places = (points - np.array(image.GetOrigin())) @ straight / spacing
    low, high = np.floor(places.min(axis=0) + 1e-6), np.ceil(places.max(axis=0) - 1e-6)
    low[2], high[2] = 0, count - 1

    resampler = sitk.ResampleImageFilter()
    resampler.SetInterpolator(sitk.sitkLinear)
    resampler.SetSize([int(n) for n in high - low + 1])
    resampler.SetOutputSpacing(spacing.tolist())
    resampler.SetOutputOrigin((np.array(image.GetOrigin()) + straight @ (low * spacing)).tolist())
    resampler.SetOutputDirection(straight.ravel().tolist())
    resampler.SetOutputPixelType(sitk.sitkFloat32)
    return resampler.Execute(image)
