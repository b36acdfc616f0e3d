"""What a pack keeps of a case, and what it costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from Testing.Training.synthetic import brain_tensor, synthetic_pack
from Training.case_pack import pack_case, read_pack, write_pack


def test_a_pack_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    pack = synthetic_pack("BraTS2021_00000")
    back = read_pack(write_pack(pack, tmp_path))
    assert (back.name, back.sources) == (pack.name, pack.sources)
    for name in ("codes", "low", "step", "labels"):
        np.testing.assert_array_equal(getattr(back, name), getattr(pack, name))
    assert [path.name for path in tmp_path.iterdir()] == ["BraTS2021_00000.npz.xz"]


def test_quantisation_errs_by_half_a_step_and_keeps_background_and_brain() -> None:
    tensor = brain_tensor((40, 40, 40))
    pack = pack_case("case", tensor, np.zeros((40, 40, 40), dtype=np.uint8), {})
    back = pack.tensor()
    assert back.dtype == np.float32
    np.testing.assert_array_equal(pack.codes == 0, tensor == 0)
    for channel, restored, low, step in zip(tensor, back, pack.low, pack.step, strict=True):
        brain = channel != 0
        clipped = channel > low + 254 * step
        assert clipped.sum() <= 0.0006 * brain.sum()
        assert np.abs(restored - channel)[brain & ~clipped].max() <= 0.5001 * step
        assert step < 0.05


def test_a_channel_of_one_value_is_kept() -> None:
    tensor = np.zeros((1, 4, 4, 4), dtype=np.float32)
    tensor[0, 1:3, 1:3, 1:3] = 2.5
    np.testing.assert_allclose(
        pack_case("flat", tensor, np.zeros((4, 4, 4), dtype=np.uint8), {}).tensor(), tensor
    )
