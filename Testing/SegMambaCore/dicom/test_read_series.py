"""Series of every kind that an archive gives out, against the volume that they were made from and other readers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk
from highdicom.legacy import LegacyConvertedEnhancedMRImage
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless, RLELossless

from SegMambaCore.dicom.find_series import find_series
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume

from .studies import STUDY, classic, enhanced, oblique, save

VOLUME = oblique()


def _assert_same(result: Volume, expected: Volume, tolerance_mm: float = 1e-4) -> None:
    """The same voxels at the same places; the slices may be numbered from the other end."""
    if np.linalg.det(expected.affine) * np.linalg.det(result.affine) < 0:
        flip = np.eye(4)
        flip[2, 2], flip[2, 3] = -1, len(expected.array) - 1
        expected = Volume(expected.array[::-1], expected.affine @ flip)
    np.testing.assert_array_equal(result.array, expected.array)
    assert result.grid.matches(expected.grid, tolerance_mm)


def test_other_readers_see_the_same(tmp_path: Path) -> None:
    """ITK, highdicom and dcm2niix: three independent ideas of where a slice lies."""
    folder = save(classic(VOLUME), tmp_path / "series")
    result = read_volume(folder)
    _assert_same(result, VOLUME)

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    itk = reader.Execute()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(itk), result.array)
    center = [(n - 1) / 2 for n in itk.GetSize()]
    ras = np.array(itk.TransformContinuousIndexToPhysicalPoint(center)) * (-1, -1, 1)
    np.testing.assert_allclose(ras, (result.affine @ (*center, 1))[:3], atol=1e-4)

    theirs = highdicom.get_volume_from_series([dcmread(file) for file in folder.iterdir()])
    index = theirs.map_reference_to_indices((result.affine @ (1, 2, 3, 1))[None, :3] * (-1, -1, 1))[0]
    k, j, i = np.rint(index).astype(int)
    np.testing.assert_allclose(index, (k, j, i), atol=1e-3)
    assert theirs.array[k, j, i] == result.array[3, 2, 1]


@pytest.mark.parametrize("kind", ["classic", "enhanced"])
def test_dcm2niix_sees_the_same(tmp_path: Path, kind: str) -> None:
    program = shutil.which("dcm2niix", path=Path(sys.executable).parent)
    if program is None:
        pytest.skip("the package dcm2niix is not installed: pip install dcm2niix")
    slices = classic(VOLUME, RepetitionTime=550, EchoTime=12)
    save([enhanced([slices])] if kind == "enhanced" else slices, tmp_path / "in")
    (tmp_path / "out").mkdir()
    command = [program, "-z", "n", "-f", "out", "-o", str(tmp_path / "out"), str(tmp_path / "in")]
    subprocess.run(command, check=True, capture_output=True)
    (theirs,) = (tmp_path / "out").glob("*.nii")
    image, ours = sitk.ReadImage(str(theirs)), read_volume(tmp_path / "in")
    values = sitk.GetArrayFromImage(image)
    for i, j, k in [(0, 0, 0), (3, 5, 7), (11, 13, 9)]:
        lps = (ours.affine @ (i, j, k, 1))[:3] * (-1, -1, 1)
        index = image.TransformPhysicalPointToContinuousIndex(lps.tolist())
        np.testing.assert_allclose(index, np.rint(index), atol=2e-3)
        assert values[tuple(np.rint(index).astype(int)[::-1])] == ours.array[k, j, i]


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_by_pydicom(tmp_path: Path, syntax: str) -> None:
    slices = classic(VOLUME)
    for one in slices:
        one.compress(syntax)
    _assert_same(read_volume(save(slices, tmp_path / "series")), VOLUME)


@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEG"])
def test_compressed_by_gdcm(tmp_path: Path, compressor: str) -> None:
    folder = save(classic(VOLUME), tmp_path / "plain")
    for file in list(folder.iterdir()):
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(file))
        reader.LoadPrivateTagsOn()
        image = reader.Execute()
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetImageIO("GDCMImageIO")
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        writer.SetFileName(str(file))
        writer.Execute(image)
        assert dcmread(file).file_meta.TransferSyntaxUID.is_compressed
    _assert_same(read_volume(folder), VOLUME)


def test_enhanced_multi_frame(tmp_path: Path) -> None:
    file = enhanced([classic(VOLUME, RepetitionTime=550, EchoTime=12)])
    folder = save([file], tmp_path / "series")
    _assert_same(read_volume(folder), VOLUME)
    (path,) = folder.iterdir()
    _assert_same(read_volume(path), VOLUME)
    (series,) = find_series(folder)
    assert (series.attributes["EchoTime"], series.attributes["RepetitionTime"]) == ("12.0", "550.0")
    assert series.attributes["ScanningSequence"] == "SE"
    theirs = highdicom.imread(path).get_volume()
    assert sorted(theirs.array.ravel()) == sorted(VOLUME.array.ravel())


def test_enhanced_as_highdicom_converts_it(tmp_path: Path) -> None:
    slices = classic(VOLUME)
    for one in slices:
        one.file_meta.ImplementationVersionName = "TEST"
    uids = {"series_instance_uid": STUDY.uid_of("legacy"), "sop_instance_uid": STUDY.uid_of("legacy", 1)}
    converted = LegacyConvertedEnhancedMRImage(slices, series_number=9, instance_number=1, **uids)
    _assert_same(read_volume(save([converted], tmp_path / "series")), VOLUME)


def test_two_echoes_in_one_enhanced_file_are_two_volumes(tmp_path: Path) -> None:
    second = oblique(seed=5)
    stacks = [classic(VOLUME, EchoTime=20), classic(second, EchoTime=95)]
    folder = save([enhanced(stacks)], tmp_path / "series")
    by_echo = {one.attributes["EchoTime"]: one for one in find_series(folder)}
    assert {one.label for one in by_echo.values()} == {"3a", "3b"}
    _assert_same(read_volume(by_echo["20.0"]), VOLUME)
    _assert_same(read_volume(by_echo["95.0"]), second)


def test_several_volumes_in_one_classic_series(tmp_path: Path) -> None:
    """A localizer in three planes, and a projection among the slices that it was made from."""
    planes = [np.eye(4)[[0, 1, 2, 3]], np.eye(4)[[0, 2, 1, 3]], np.eye(4)[[2, 1, 0, 3]]]
    localizer = [
        slice_
        for number, plane in enumerate(planes)
        for slice_ in make_plane(number, np.array(plane) @ np.diag([1, 1, 20, 1]))
    ]
    projection = classic(
        oblique((3, 14, 12)), 4, "T1", ImageType=["DERIVED", "SECONDARY", "PROJECTION IMAGE", "MIP"]
    )
    for number, one in enumerate(projection):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = STUDY.uid_of("mip", number)
    folder = save([*localizer, *classic(VOLUME, 4, "T1"), *projection], tmp_path / "study", ".dcm")
    found = find_series(folder)
    assert [one.label for one in found] == ["1a", "1b", "1c", "4a", "4b"]
    assert sorted(len(one.stack.frames) for one in found) == [3, 3, 3, 3, 10]
    whole = next(one for one in found if len(one.stack.frames) == 10)
    _assert_same(read_volume(whole), VOLUME)


def make_plane(number: int, affine: np.ndarray) -> list:
    slices = classic(Volume(np.arange(3 * 14 * 12).reshape(3, 14, 12), affine), 1, "localizer")
    for place, one in enumerate(slices):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = STUDY.uid_of("plane", number, place)
    return slices


def test_a_tilted_stack_is_straightened(tmp_path: Path) -> None:
    """Intensities that are linear in space stay so: linear interpolation is exact for them."""

    def intensity(lps: np.ndarray) -> np.ndarray:
        return lps @ (3.0, -2.0, 5.0)

    slices = classic(Volume(np.zeros((9, 16, 12), np.int16), np.diag([-1.0, -1, 4, 1])))
    j, i = np.indices((16, 12))
    for k, one in enumerate(slices):
        origin = np.array([0, 0.75 * k, 4.0 * k])  # 10.6 degrees
        one.ImagePositionPatient = origin.tolist()
        points = origin + np.stack([i, j, np.zeros_like(i)], axis=-1)
        one.PixelData = np.rint(intensity(points) * 4).astype(np.int16).tobytes()
    volume = read_volume(save(slices, tmp_path / "series"))
    assert volume.array.shape == (9, 22, 12)
    np.testing.assert_allclose(volume.grid.spacing, (1, 1, 4))
    np.testing.assert_allclose(volume.affine[:3, 2], (0, 0, 4))
    k, j, i = np.indices(volume.array.shape)
    ras = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ volume.affine.T
    inside = (j - 0.75 * k >= 0) & (j - 0.75 * k <= 15)
    expected = intensity(ras[..., :3] * (-1, -1, 1)) * 4
    np.testing.assert_allclose(volume.array[inside], expected[inside], atol=1.0)
    assert inside.sum() >= 9 * 15 * 12


def test_missing_slices_are_told_with_their_place(tmp_path: Path) -> None:
    slices = classic(VOLUME)
    del slices[3:5]
    with pytest.raises(SegMambaError, match=r'series 3 "Ax T1".*2 slices are missing, the first behind the'):
        read_volume(save(slices, tmp_path / "series"))


def test_a_slice_sent_twice_counts_once(tmp_path: Path) -> None:
    slices = classic(VOLUME)
    folder = save(slices, tmp_path / "series")
    slices[4].save_as(folder / "again", enforce_file_format=True)
    _assert_same(read_volume(folder), VOLUME)


def test_color_images_are_refused(tmp_path: Path) -> None:
    slices = classic(VOLUME)
    for one in slices:
        one.SamplesPerPixel, one.PhotometricInterpretation, one.PlanarConfiguration = 3, "RGB", 0
        one.BitsAllocated = one.BitsStored = 8
        one.HighBit, one.PixelRepresentation = 7, 0
        one.PixelData = bytes(3 * one.Rows * one.Columns)
    with pytest.raises(SegMambaError, match="in color"):
        read_volume(save(slices, tmp_path / "series"))
