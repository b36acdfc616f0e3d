"""Whole files or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.convert import from_sitk, to_sitk
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume
from Testing.SegMambaCore.volume.geometries import GRIDS, filled, positions


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("name", GRIDS)
def test_round_trip(tmp_path: Path, suffix: str, name: str) -> None:
    volume = filled(GRIDS[name])
    path = tmp_path / f"a.{suffix}"
    write_volume(volume, path)
    result = read_volume(path)
    np.testing.assert_array_equal(result.array, volume.array)
    assert result.grid.matches(volume.grid, 1e-3)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", GRIDS)
def test_sitk_image_has_each_voxel_where_the_volume_has_it(name: str) -> None:
    grid = GRIDS[name]
    image = to_sitk(filled(grid))
    k, j, i = 3, 5, 2
    lps = image.TransformIndexToPhysicalPoint((i, j, k))
    np.testing.assert_allclose(np.array(lps) * [-1, -1, 1], positions(grid)[k, j, i], atol=1e-9)
    assert from_sitk(image, "back").grid.matches(grid, 1e-9)


def test_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_text("old", encoding="utf-8")
    write_volume(filled(GRIDS["ras"]), path)
    assert read_volume(path).array.shape == GRIDS["ras"].shape


def test_flipped_views_are_written_as_they_look(tmp_path: Path) -> None:
    volume = filled(GRIDS["ras"])
    flipped = Volume(volume.array[::-1, :, ::-1].transpose(1, 0, 2), volume.affine)
    write_volume(flipped, tmp_path / "a.nrrd")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nrrd").array, flipped.array)


@pytest.mark.parametrize("place", ["missing/a.nii.gz", "file/a.nii.gz", "folder.nii.gz"])
def test_place_that_cannot_be_written_to(
    tmp_path: Path, place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.nii.gz").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SegMambaError, match="cannot be written"):
        write_volume(filled(GRIDS["ras"]), tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before
    assert capfd.readouterr().err == ""


def test_full_disk_is_noticed_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(SegMambaError, match="disk is full"):
        write_volume(filled(GRIDS["ras"]), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert capfd.readouterr().err == ""


_WRITE_WITH_LITTLE_ROOM = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = np.random.default_rng(0).integers(0, 1000, (40, 60, 70), dtype=np.int16)
try:
    write_volume(Volume(noise, np.eye(4)), Path(sys.argv[1]))
except SegMambaError as error:
    print(error)
"""


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no limit on file sizes to stand for a full disk"
)
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_disk_that_fills_up_while_writing_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text("old", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", _WRITE_WITH_LITTLE_ROOM, str(path)], capture_output=True, text=True, check=True
    )
    assert "cannot be written completely" in run.stdout
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_label_map_keeps_its_dtype(tmp_path: Path) -> None:
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[1:3] = 4
    write_volume(Volume(labels, np.eye(4)), tmp_path / "a.nii.gz")
    assert sitk.ReadImage(str(tmp_path / "a.nii.gz")).GetPixelID() == sitk.sitkUInt8
