"""Every format and header that occurs, and every file that must be refused."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.dicom.pixels import is_cut_short
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import read_label_map, read_volume
from SegMambaCore.volume.write import write_volume
from Testing.SegMambaCore.volume.geometries import GRIDS, filled, rotation
from Testing.SegMambaCore.volume.nifti_bytes import nifti_bytes

RNG = np.random.default_rng(0)
ARRAY = (RNG.random((5, 6, 7)) * 100).astype(np.float32)
LARGE = (RNG.random((40, 50, 60)) * 100).astype(np.float32)
AFFINE = np.array([[-2.0, 0, 0, 10], [0, -3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])
PIXDIM = (1, 2, 3, 4)


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd"])
@pytest.mark.parametrize("name", GRIDS)
def test_formats_keep_voxels_and_geometry(tmp_path: Path, suffix: str, name: str) -> None:
    volume = filled(GRIDS[name])
    path = tmp_path / f"Größe {name}.{suffix}"
    image = sitk.GetImageFromArray(volume.array)
    lps = np.diag([-1, -1, 1, 1]) @ volume.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    sitk.WriteImage(image, str(path))

    result = read_volume(path)
    np.testing.assert_array_equal(result.array, volume.array)
    assert result.grid.matches(volume.grid, 1e-3)
    assert result.name == path.name


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("suffix", ["nrrd", "mha", "mhd"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64", "int64"]
)
def test_dtypes(tmp_path: Path, suffix: str, dtype: str, compress: bool) -> None:
    array = (ARRAY + 3).astype(dtype)
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path), compress)
    result = read_volume(path).array
    assert result.dtype == (np.float32 if array.itemsize > 4 else array.dtype)
    np.testing.assert_allclose(result, array, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64", "int64"])
def test_nifti_by_hand(tmp_path: Path, dtype: str) -> None:
    array = ARRAY.astype(dtype)
    path = _write(tmp_path / "a.nii.gz", nifti_bytes(array, sform=AFFINE, pixdim=PIXDIM))
    result = read_volume(path)
    np.testing.assert_allclose(result.array, array, rtol=1e-6)
    np.testing.assert_allclose(result.affine, AFFINE, atol=1e-5)


def test_nifti_intensity_slope(tmp_path: Path) -> None:
    stored = ARRAY.astype(np.uint8)
    path = _write(tmp_path / "a.nii", nifti_bytes(stored, sform=AFFINE, pixdim=PIXDIM, slope=(2.5, -7)))
    np.testing.assert_allclose(read_volume(path).array, stored * 2.5 - 7)


def test_nifti_qform_with_left_handed_factor(tmp_path: Path) -> None:
    data = nifti_bytes(ARRAY, qform=(0, 0, 0, 1, 2, 3), pixdim=(-1, 2, 3, 4))
    expected = np.array([[2.0, 0, 0, 1], [0, 3, 0, 2], [0, 0, -4, 3], [0, 0, 0, 1]])
    np.testing.assert_allclose(read_volume(_write(tmp_path / "a.nii", data)).affine, expected, atol=1e-5)


def test_nifti_sform_that_is_orthogonal_but_for_rounding(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.round(rotation((11, -23, 8)), 4) * PIXDIM[1:]
    path = _write(tmp_path / "a.nii", nifti_bytes(ARRAY, sform=affine, pixdim=PIXDIM))
    np.testing.assert_allclose(read_volume(path).affine, affine, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "pixdim"),
    [((0, 1, 1.5), PIXDIM), ((0, 0, 0.0), PIXDIM), ((2, 2, 8.0), PIXDIM)],
    ids=["shear", "singular", "contradicts pixdim"],
)
def test_nifti_affine_that_makes_no_sense_is_refused(
    tmp_path: Path, change: tuple[int, int, float], pixdim: tuple[float, ...]
) -> None:
    row, column, value = change
    affine = AFFINE.copy()
    affine[row, column] = value
    path = _write(tmp_path / "a.nii", nifti_bytes(ARRAY, sform=affine, pixdim=pixdim))
    _assert_refused(path, "header|not an image")


def test_one_frame_of_a_4d_file_is_taken_out(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii.gz", nifti_bytes(ARRAY[None], sform=AFFINE, pixdim=PIXDIM))
    result = read_volume(path)
    np.testing.assert_array_equal(result.array, ARRAY)
    np.testing.assert_allclose(result.affine, AFFINE, atol=1e-5)

    path = tmp_path / "a.nrrd"
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(ARRAY)]), str(path))
    np.testing.assert_array_equal(read_volume(path).array, ARRAY)


def _assert_refused(path: Path, *words: str, capfd: pytest.CaptureFixture[str] | None = None) -> None:
    with pytest.raises(SegMambaError) as error:
        read_volume(path)
    message = str(error.value)
    assert str(path) in message and 1 <= len(message.splitlines()) <= 3
    for word in words:
        assert re.search(word, message), message
    if capfd is not None:
        out, err = capfd.readouterr()
        assert out == "" and err == ""


def _nifti(array: NDArray) -> bytes:
    return nifti_bytes(array, sform=AFFINE, pixdim=PIXDIM)


def _with(value: float) -> NDArray:
    array = ARRAY.copy()
    array[2, 3, 4] = value
    return array


REFUSED = {
    "empty.nii.gz": (b"", "empty"),
    "empty.nrrd": (b"", "empty"),
    "garbage.nii.gz": (RNG.bytes(5000), "not an image"),
    "garbage.nii": (RNG.bytes(5000), "not an image"),
    "garbage.nrrd": (RNG.bytes(5000), "not an image"),
    "garbage.mha": (b"hello world " * 50, "not an image"),
    "text.txt": (b"hello", "not an image"),
    "truncated.nii": (_nifti(LARGE)[:-1000], "cut short"),
    "truncated.nii.gz": (gzip.compress(_nifti(LARGE))[:-20000], "cut short"),
    "truncated by the check sum.nii.gz": (gzip.compress(_nifti(LARGE))[:-4], "cut short"),
    "truncated inside.nii.gz": (gzip.compress(_nifti(LARGE)[:-1000]), "cut short"),
    "stump.nii.gz": (gzip.compress(_nifti(LARGE))[:60], "not an image|cut short"),
    "misnamed.nii": (gzip.compress(_nifti(LARGE)), "Rename"),
    "nan.nii.gz": (gzip.compress(_nifti(_with(np.nan))), "1 voxels are not a number"),
    "inf.nii.gz": (gzip.compress(_nifti(_with(-np.inf))), "1 voxels are not a number"),
    "zero.nii.gz": (gzip.compress(_nifti(0 * ARRAY)), "every voxel is 0"),
    "constant.nii.gz": (gzip.compress(_nifti(0 * ARRAY + 7)), "every voxel is 7"),
    "2d.nii.gz": (gzip.compress(_nifti(ARRAY[0])), "single slice"),
    "slice.nii.gz": (gzip.compress(_nifti(ARRAY[:1])), "single slice"),
    "frames.nii.gz": (gzip.compress(_nifti(np.stack([ARRAY] * 3))), "3 frames"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_file_is_refused_in_one_message(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data, words = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(data)
    _assert_refused(path, words, capfd=capfd)


def test_a_label_map_may_be_of_one_value_but_not_broken(tmp_path: Path) -> None:
    for name in ("zero.nii.gz", "constant.nii.gz", "nan.nii.gz"):
        (tmp_path / name).write_bytes(REFUSED[name][0])
    assert not read_label_map(tmp_path / "zero.nii.gz").array.any()
    assert (read_label_map(tmp_path / "constant.nii.gz").array == 7).all()
    with pytest.raises(SegMambaError, match="not a number"):
        read_label_map(tmp_path / "nan.nii.gz")


def test_flipped_bits_in_gzip_are_noticed(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(_nifti(LARGE)))
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "a.nii.gz"
    path.write_bytes(data)
    _assert_refused(path, "damaged|cut short")


@pytest.mark.parametrize("suffix", ["mha", "nrrd"])
@pytest.mark.parametrize("compress", [True, False])
def test_truncated_nrrd_and_mha(
    tmp_path: Path, suffix: str, compress: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(LARGE), str(path), compress)
    path.write_bytes(path.read_bytes()[:-100])
    _assert_refused(path, "cut short", capfd=capfd)


def test_damaged_compressed_mha_is_not_read_as_something_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.mha"
    sitk.WriteImage(sitk.GetImageFromArray(LARGE), str(path), True)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    _assert_refused(path, "damaged", capfd=capfd)


def test_mhd_without_its_voxels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mhd"
    sitk.WriteImage(sitk.GetImageFromArray(LARGE), str(path))
    (tmp_path / "a.raw").unlink()
    _assert_refused(path, "a.raw, which is missing", capfd=capfd)


@pytest.mark.parametrize("suffix", ["nrrd", "nii.gz", "mha"])
def test_colour_image(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((5, 6, 7, 3), np.uint8), isVector=True), str(path))
    _assert_refused(path, "3 values a voxel")


def test_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    sitk.WriteImage(sitk.GetImageFromArray((ARRAY[0]).astype(np.uint8)), str(path))
    _assert_refused(path, "single slice")


def test_missing_file(tmp_path: Path) -> None:
    _assert_refused(tmp_path / "a.nii.gz", "no such file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write_volume(filled(GRIDS["ras"]), path)
    path.chmod(0)
    _assert_refused(path, "cannot be opened")


SLICES = (RNG.random((5, 8, 9)) * 1000).astype(np.int16)


def _write_dicom(
    folder: Path,
    uid: str,
    description: str,
    positions: list[tuple[float, float, float]],
    slices: NDArray = SLICES,
    compressed: bool = False,
) -> Path:
    """Write slices as DICOM files, their names out of order; positions: LPS mm of each first voxel."""
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetUseCompression(compressed)
    for n, (pixels, position) in enumerate(zip(slices, positions, strict=True)):
        image = sitk.GetImageFromArray(pixels[None])
        image.SetSpacing((1, 2, 3))
        tags = {
            "0008|0018": f"{uid}.{n + 1}",
            "0008|0060": "MR",
            "0008|103e": description,
            "0020|000d": "1.2.3",
            "0020|000e": uid,
            "0020|0013": str(n + 1),
            "0020|0032": "\\".join(map(str, position)),
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for key, value in tags.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"{uid}_{(n * 3) % 5}.dcm"))
        writer.Execute(image)
    return folder


EVEN = [(10, 20, 30 + 3 * k) for k in range(5)]


def test_dicom_folder(tmp_path: Path) -> None:
    result = read_volume(_write_dicom(tmp_path / "series", "1.2.3.1", "T1 post", EVEN))
    np.testing.assert_array_equal(result.array, SLICES)
    expected = np.array([[-1.0, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])
    np.testing.assert_allclose(result.affine, expected)


def test_dicom_folder_of_two_series_lists_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = _write_dicom(tmp_path / "study", "1.2.3.1", "T1 post", EVEN)
    _write_dicom(folder, "1.2.3.2", "FLAIR", EVEN)
    _assert_refused(folder, r'"T1 post" \(5 images\)', r'"FLAIR" \(5 images\)', capfd=capfd)


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        ([(10, 20, z) for z in (30, 33, 36, 42, 45)], r"a slice is missing, the first behind the 3\. of 5"),
        ([(10, 20, z) for z in (30, 30, 33, 33, 36)], "doubled"),
        ([(10, 20, z) for z in (30, 33, 37.5, 39, 42)], "not evenly spaced"),
        ([(10, 20 + 2 * (k == 2), 30 + 3 * k) for k in range(5)], "shifted against each other"),
    ],
    ids=["gap", "doubled", "uneven", "shifted"],
)
def test_dicom_folder_with_uneven_slices(
    tmp_path: Path, positions: list[tuple[float, float, float]], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = _write_dicom(tmp_path / "series", "1.2.3.1", "T1", positions)
    _assert_refused(folder, words, capfd=capfd)


def test_dicom_folder_with_a_damaged_last_slice(tmp_path: Path) -> None:
    folder = _write_dicom(tmp_path / "series", "1.2.3.1", "T1", EVEN)
    last = folder / "1.2.3.1_2.dcm"
    last.write_bytes(last.read_bytes()[:-60])
    _assert_refused(folder, "damaged", last.name)


@pytest.mark.parametrize("lost", [1, 60, 144])
def test_a_dicom_slice_that_ends_within_its_pixels(tmp_path: Path, lost: int) -> None:
    """Whatever the version of SimpleITK says of such a file: 2.5.2 takes it for whole."""
    folder = _write_dicom(tmp_path / "series", "1.2.3.1", "T1", EVEN)
    last, pixel_bytes = folder / "1.2.3.1_2.dcm", SLICES[0].nbytes
    assert not is_cut_short(last, pixel_bytes)
    explicit = tmp_path / "explicit.dcm"
    content = last.read_bytes()
    header = b"\xe0\x7f\x10\x00" + pixel_bytes.to_bytes(4, "little")
    explicit.write_bytes(content.replace(header, header[:4] + b"OW\0\0" + header[4:]))
    assert explicit.stat().st_size == last.stat().st_size + 4
    for file in (last, explicit):
        assert not is_cut_short(file, pixel_bytes)
        file.write_bytes(file.read_bytes()[:-lost])
        assert is_cut_short(file, pixel_bytes)


def test_compressed_dicom(tmp_path: Path) -> None:
    folder = _write_dicom(tmp_path / "series", "1.2.3.1", "T1", EVEN, compressed=True)
    np.testing.assert_array_equal(read_volume(folder).array, SLICES)
    last = folder / "1.2.3.1_2.dcm"
    last.write_bytes(last.read_bytes()[:-60])
    with pytest.raises(SegMambaError, match="Export the series again"):
        read_volume(folder)


def test_dicom_folder_of_one_slice(tmp_path: Path) -> None:
    _assert_refused(_write_dicom(tmp_path / "series", "1.2.3.1", "T1", EVEN[:1], SLICES[:1]), "single slice")


def test_folder_without_dicom(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    _assert_refused(tmp_path, "no DICOM series", capfd=capfd)
    shutil.rmtree(tmp_path)
    _assert_refused(tmp_path, "no such file or folder")
