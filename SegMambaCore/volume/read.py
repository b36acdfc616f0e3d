"""Reading a scalar 3D image from a file, a DICOM folder or a DICOM series that was found."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.dicom.file import is_dicom_file, is_zip
from SegMambaCore.dicom.read_series import read_series
from SegMambaCore.dicom.series import DicomSeries
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.convert import ras_affine
from SegMambaCore.volume.soundness import UnsoundFileError, check_sound, is_gzip
from SegMambaCore.volume.volume import Volume

# What goes wrong is said once, in this program's words.
sitk.ProcessObject.SetGlobalWarningDisplay(False)
# Affines in NIfTI files are single precision: ITK refuses many that are orthogonal but for rounding unless
# told to take the nearest orthogonal one. `_check_nifti_affine` refuses what is not merely rounding.
os.environ.setdefault("ITK_NIFTI_SFORM_PERMISSIVE", "YES")

_FORMATS = "NIfTI, NRRD, MHA or MHD file, or a DICOM folder"

Source = Path | DicomSeries
"""What a volume can be read from."""


def read_volume(source: Source) -> Volume:
    """Read a NIfTI, NRRD, MHA or MHD file, compressed or not, or a DICOM series: one that was found, or the
    only one in a file, zip or folder.

    Integers of up to 32 bits and float32 keep their dtype, all else becomes float32. The single frame of a 4D
    image is taken out. Where a NIfTI header holds two geometries (sform, qform), the one that ITK and
    3D Slicer use counts.

    Raises SegMambaError when there is no such file, it is no image or cut short, not one scalar 3D image, or
    when its values are not finite or all the same.
    """
    volume = _read(source)
    if volume.array.min() == volume.array.max():
        value = volume.array.flat[0]
        raise SegMambaError(f"{source}: the image is empty, every voxel is {value:g}. Give the right one.")
    return volume


def read_label_map(path: Path) -> Volume:
    """Read a segmentation as `read_volume` reads an image; it may be empty, or all of one label."""
    return _read(path)


def read_frames(path: Path) -> list[Volume]:
    """Read the frames of a 4D NIfTI, NRRD or MHA file, each as `read_volume` reads an image.

    Raises SegMambaError as that does, and for a file that is not 4D.
    """
    path = Path(path)
    if not path.is_file():
        raise SegMambaError(f"{path}: there is no such file. Check the name.")
    image = _read_file(path)
    if image.GetDimension() != 4:
        raise SegMambaError(f"{path}: is not a 4D image. Give the file that holds all contrasts.")
    *size, frames = image.GetSize()
    return [
        _volume(path, _single_3d_frame(path, sitk.Extract(image, [*size, 0], [0, 0, 0, frame])))
        for frame in range(frames)
    ]


def dicom_series_of(source: Source) -> DicomSeries | None:
    """Return the DICOM series that `read_volume` reads, None where the source is a file of another kind.

    Raises SegMambaError when there is no such file or folder, or not one series in it.
    """
    if isinstance(source, DicomSeries):
        return source
    path = Path(source)
    if not path.exists():
        raise SegMambaError(f"{path}: there is no such file or folder. Check the name.")
    if not (path.is_dir() or is_zip(path) or is_dicom_file(path)):
        return None
    # What reads DICOM headers takes a while to import.
    from SegMambaCore.dicom.only_series import only_series

    return only_series(path)


def _read(source: Source) -> Volume:
    source = dicom_series_of(source) or source
    image = read_series(source) if isinstance(source, DicomSeries) else _read_file(source)
    return _volume(source, _single_3d_frame(source, image))


def _volume(source: Source, image: sitk.Image) -> Volume:
    array = sitk.GetArrayFromImage(image)
    if array.dtype.itemsize > 4:
        array = array.astype(np.float32)
    _check_values(source, array)
    affine = ras_affine(image)
    _check_affine(source, affine)
    return Volume(array, affine, source.name)


def _read_file(path: Path) -> sitk.Image:
    try:
        if path.stat().st_size == 0:
            raise SegMambaError(f"{path}: the file is empty. Copy or export it again.")
        if is_gzip(path) and path.suffix == ".nii":
            raise SegMambaError(f"{path}: the file is compressed. Rename it to {path.name}.gz.")
    except OSError as error:
        raise SegMambaError(f"{path}: cannot be opened ({error.strerror}).") from error

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise SegMambaError(
            f"{path}: this is not an image that can be read, or it is damaged. Give a {_FORMATS}."
        ) from error
    try:
        check_sound(path, reader)
        if reader.GetNumberOfComponents() > 1:
            raise SegMambaError(
                f"{path}: a color or vector image, {reader.GetNumberOfComponents()} values a voxel. "
                "Give an image with one value a voxel."
            )
        _check_nifti_affine(path, reader)
        return reader.Execute()
    except UnsoundFileError as error:
        raise SegMambaError(f"{path}: {error}. Copy or export it again.") from error
    except RuntimeError as error:
        raise SegMambaError(
            f"{path}: its header is fine but its voxels cannot be read: the file is cut short or damaged. "
            "Copy or export it again."
        ) from error


def _single_3d_frame(source: Source, image: sitk.Image) -> sitk.Image:
    if image.GetNumberOfComponentsPerPixel() > 1 or "complex" in image.GetPixelIDTypeAsString():
        raise SegMambaError(
            f"{source}: each voxel holds several values. Give an image with one value a voxel."
        )
    size = image.GetSize()
    if len(size) > 3:
        if any(frames > 1 for frames in size[3:]):
            raise SegMambaError(
                f"{source}: a 4D image of {size[3]} frames. Give a file that holds the one frame to segment."
            )
        image = sitk.Extract(image, [*size[:3], *[0] * (len(size) - 3)])
    if len(size) < 3 or min(size[:3]) < 2:
        raise SegMambaError(
            f"{source}: a single slice ({' x '.join(map(str, size))} voxels). Give the whole 3D volume."
        )
    return image


def _check_values(source: Source, array: NDArray) -> None:
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise SegMambaError(
            f"{source}: {count:,} voxels are not a number or infinite. Copy or export it again."
        )


def _check_affine(source: Source, affine: NDArray[np.float64]) -> None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.isfinite(affine).all() and spacing.min() > 0):
        raise SegMambaError(
            f"{source}: its header gives no valid position and voxel size. Convert it again from DICOM."
        )


def _check_nifti_affine(path: Path, reader: sitk.ImageFileReader) -> None:
    """Refuse a NIfTI file whose sform shears, or contradicts its voxel size, by half a voxel or more.

    ITK takes directions from the sform, voxel sizes from pixdim, and rounds shear away.
    """
    if (
        reader.GetDimension() < 3
        or not reader.HasMetaDataKey("srow_x")
        or reader.GetMetaData("sform_code") == "0"
    ):
        return
    if reader.GetDimension() > 3:
        return  # `ras_affine` knows 3D alone
    stored = np.array([reader.GetMetaData(f"srow_{axis}").split() for axis in "xyz"], dtype=np.float64)
    used = ras_affine(reader)[:3]
    if np.abs(stored[:, 3] - used[:, 3]).max() > 0.01:
        return  # ITK took the qform, which cannot shear
    far_corner = np.append(reader.GetSize(), 1.0)
    voxel = np.abs(reader.GetSpacing()).min()
    if np.abs((stored - used) @ far_corner).max() > voxel / 2:
        raise SegMambaError(
            f"{path}: its header contradicts itself (sform against voxel size) or shears the image. "
            "Convert it again from DICOM."
        )
