"""What a pack keeps of a case, what it costs, and what is read of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.errors import SegMambaError
from Testing.Training.synthetic import brain_tensor, packed, synthetic_pack
from Training.case_pack import PackFile, pack_names, pack_path, read_pack, write_pack

ARRAYS = ("low", "step", "mean", "deviation", "fingerprint")
PLAIN = ("name", "shape", "sources", "data_set", "notes", "label_voxels")


def test_a_pack_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    pack = synthetic_pack("BraTS2021_00000", (80, 48, 70))
    back = read_pack(write_pack(pack, tmp_path))
    np.testing.assert_array_equal(back.codes, pack.codes)
    np.testing.assert_array_equal(back.labels, pack.labels)
    assert [getattr(back.head, name) for name in PLAIN] == [getattr(pack.head, name) for name in PLAIN]
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(back.head, name), getattr(pack.head, name))
    for points, same in zip(back.head.tumor_points, pack.head.tumor_points, strict=True):
        np.testing.assert_array_equal(points, same)
    there, here = back.head.record, pack.head.record
    assert (there.crop_start, there.crop_shape) == (here.crop_start, here.crop_shape)
    assert there.reference_grid.matches(here.reference_grid, 0) and there.model_grid.matches(
        here.model_grid, 0
    )
    assert [path.name for path in tmp_path.iterdir()] == ["BraTS2021_00000.b2nd"]
    assert pack_names(tmp_path) == ["BraTS2021_00000"]


def test_a_crop_is_that_part_of_the_case(tmp_path: Path) -> None:
    pack = synthetic_pack("a", (80, 48, 70))
    file = PackFile(write_pack(pack, tmp_path))
    for box in (
        (slice(0, 80), slice(0, 48), slice(0, 70)),
        (slice(31, 66), slice(5, 6), slice(60, 70)),
        (slice(70, 80), slice(30, 48), slice(0, 33)),
    ):
        codes, labels = file.crop(box)
        np.testing.assert_array_equal(codes, pack.codes[(slice(None), *box)])
        np.testing.assert_array_equal(labels, pack.labels[box])


def test_tumour_points_are_voxels_of_their_label() -> None:
    pack = synthetic_pack("a")
    assert len(pack.head.tumor_points) == 3
    for label, points in enumerate(pack.head.tumor_points, start=1):
        assert len(points) == min(1000, pack.head.label_voxels[label - 1])
        assert (pack.labels[tuple(points.T)] == label).all()


@pytest.mark.parametrize("what", ["missing", "cut", "changed", "other"])
def test_a_missing_or_damaged_pack_is_named(tmp_path: Path, what: str) -> None:
    path = write_pack(synthetic_pack("a", (80, 48, 70)), tmp_path)
    content = path.read_bytes()
    if what == "missing":
        path.unlink()
    elif what == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif what == "changed":  # one bit, in the midst of the voxels
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.write_bytes(b"something else")
    with pytest.raises(SegMambaError, match=r"a\.b2nd: (is damaged|there is no such pack)"):
        read_pack(pack_path(tmp_path, "a"))


def test_quantisation_errs_by_half_a_step_and_keeps_background_and_brain() -> None:
    tensor = brain_tensor((40, 40, 40))
    pack = packed("case", tensor, np.zeros((40, 40, 40), dtype=np.uint8))
    back = pack.tensor()
    assert back.dtype == np.float32
    np.testing.assert_array_equal(pack.codes == 0, tensor == 0)
    for channel, restored, low, step in zip(tensor, back, pack.head.low, pack.head.step, strict=True):
        brain = channel != 0
        clipped = channel > low + 254 * step
        assert clipped.sum() <= 0.0006 * brain.sum()
        assert np.abs(restored - channel)[brain & ~clipped].max() <= 0.5001 * step
        assert step < 0.05


def test_a_channel_of_one_value_is_kept() -> None:
    tensor = np.zeros((1, 4, 4, 4), dtype=np.float32)
    tensor[0, 1:3, 1:3, 1:3] = 2.5
    np.testing.assert_allclose(packed("flat", tensor, np.zeros((4, 4, 4), dtype=np.uint8)).tensor(), tensor)
