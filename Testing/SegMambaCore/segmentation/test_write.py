"""Segmentation files, read back by other programs' readers."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.errors import SegMambaError
from SegMambaCore.segmentation.regions import REGIONS, LabelConvention
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.segmentation.write import write_label_map, write_seg_nrrd
from SegMambaCore.volume.volume import Grid


def _segmentation() -> Segmentation:
    """Overlapping masks on an oblique, anisotropic, left-handed grid."""
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, -1]])
    affine = np.eye(4)
    affine[:3, :3] = turn * (0.5, 1.25, 3.0)
    affine[:3, 3] = (17.25, -31.5, 8.0)
    grid = Grid((5, 6, 7), affine)
    masks = {region: np.zeros(grid.shape, dtype=bool) for region in REGIONS}
    masks["WT"][1:4, 1:5, 2:7] = True
    masks["TC"][2:4, 2:5, 3:6] = True
    masks["ET"][3, 3, 4:6] = True
    return Segmentation(masks, grid)


def _check_geometry(image: sitk.Image, grid: Grid, tolerance: float) -> None:
    """Each corner voxel of the image lies where the grid (RAS) has it."""
    assert image.GetSize() == grid.shape[::-1]
    for corner in np.ndindex(2, 2, 2):
        index = [c * (n - 1) for c, n in zip(corner, image.GetSize(), strict=True)]
        lps = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(
            lps * np.array([-1, -1, 1]), (grid.affine @ (*index, 1))[:3], atol=tolerance
        )


@pytest.mark.parametrize(("convention", "enhancing"), [("brats2021", 4), ("brats2023", 3)])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_label_map_is_uint8_on_the_reference_grid(
    tmp_path: Path, convention: LabelConvention, enhancing: int, suffix: str
) -> None:
    segmentation = _segmentation()
    path = tmp_path / f"segmentation{suffix}"
    write_label_map(segmentation, path, convention)
    image = sitk.ReadImage(path)
    assert image.GetPixelID() == sitk.sitkUInt8
    _check_geometry(image, segmentation.grid, 1e-4 if suffix == ".nii.gz" else 1e-9)  # NIfTI keeps float32
    label_map = sitk.GetArrayFromImage(image)
    np.testing.assert_array_equal(label_map > 0, segmentation.masks["WT"])
    np.testing.assert_array_equal(np.isin(label_map, (1, enhancing)), segmentation.masks["TC"])
    np.testing.assert_array_equal(label_map == enhancing, segmentation.masks["ET"])


def test_seg_nrrd_holds_three_layers_voxel_by_voxel(tmp_path: Path) -> None:
    segmentation = _segmentation()
    path = tmp_path / "segmentation.seg.nrrd"
    write_seg_nrrd(segmentation, path)
    image = sitk.ReadImage(path)
    _check_geometry(image, segmentation.grid, 1e-9)
    layers = sitk.GetArrayFromImage(image)
    assert layers.dtype == np.uint8
    for layer, region in enumerate(REGIONS):
        np.testing.assert_array_equal(layers[..., layer], segmentation.masks[region])


def test_seg_nrrd_header_has_what_slicers_reader_wants(tmp_path: Path) -> None:
    segmentation = _segmentation()
    masks = dict(segmentation.masks)
    masks["ET"] = np.zeros_like(masks["ET"])
    path = tmp_path / "segmentation.seg.nrrd"
    write_seg_nrrd(Segmentation(masks, segmentation.grid), path)
    header = nrrd.read_header(str(path))
    assert header["space"] == "left-posterior-superior"
    assert header["kinds"] == ["list", "domain", "domain", "domain"]
    assert header["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert header["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    name, geometry, _ = header["Segmentation_ConversionParameters"].split("|")
    numbers = [float(number) for number in geometry.rstrip(";").split(";")]
    assert name == "Reference image geometry"
    np.testing.assert_array_equal(np.reshape(numbers[:16], (4, 4)), segmentation.grid.affine)
    assert numbers[16:] == [0, 6, 0, 5, 0, 4]
    extents = {"WT": "2 6 1 4 1 3", "TC": "3 5 2 4 2 3", "ET": "0 -1 0 -1 0 -1"}
    for number, (key, region) in enumerate(REGIONS.items()):
        assert header[f"Segment{number}_ID"] == header[f"Segment{number}_Name"] == key
        assert header[f"Segment{number}_Layer"] == str(number)
        assert header[f"Segment{number}_LabelValue"] == "1"
        assert header[f"Segment{number}_Extent"] == extents[key]
        assert [float(part) for part in header[f"Segment{number}_Color"].split()] == pytest.approx(
            region.colour
        )
        assert "TerminologyEntry:" in header[f"Segment{number}_Tags"]


@pytest.mark.parametrize("write", [write_label_map, write_seg_nrrd])
def test_missing_folder_is_a_mistake_the_user_can_read(
    tmp_path: Path, write: Callable[[Segmentation, Path], None]
) -> None:
    path = tmp_path / "absent" / "segmentation.nrrd"
    with pytest.raises(SegMambaError, match="absent"):
        write(_segmentation(), path)


@pytest.mark.parametrize("write", [write_label_map, write_seg_nrrd])
def test_folder_of_that_name_is_a_mistake_the_user_can_read(
    tmp_path: Path, write: Callable[[Segmentation, Path], None]
) -> None:
    path = tmp_path / "segmentation.nrrd"
    path.mkdir()
    with pytest.raises(SegMambaError, match=r"segmentation\.nrrd"):
        write(_segmentation(), path)
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_leaves_the_older_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "segmentation.seg.nrrd"
    path.write_bytes(b"older")
    whole_write = Path.write_bytes

    def full_disk(self: Path, data: bytes) -> int:
        whole_write(self, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(SegMambaError, match="disk is full"):
        write_seg_nrrd(_segmentation(), path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]
