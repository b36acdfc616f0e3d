"""Painted tumours: their labels are the shape's, their intensities the donor's, and held-out cases give nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import binary_erosion

from Testing.Training.synthetic import packed, synthetic_pack
from Training import synthesise
from Training.case_pack import pack_names, pack_path, read_pack, write_pack
from Training.painted_lesion import look_of, paint
from Training.split import read_split

SHAPE = (40, 44, 36)


def _shape() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[22:36, 24:38, 18:32] = 2
    labels[25:33, 27:35, 21:29] = 3
    labels[27:31, 29:33, 23:27] = 1
    return labels


def test_labels_are_the_shapes_and_intensities_the_donors() -> None:
    rng = np.random.default_rng(0)
    shape = _shape()
    host = synthetic_pack("host", SHAPE, 1)
    tensor = host.tensor()
    donor_tensor = np.zeros_like(tensor)
    brain = host.codes.any(axis=0)
    donor_tensor[:, brain] = rng.normal(size=(4, brain.sum()))
    levels = {1: (-2.0, 0.0, 3.0, 1.0), 2: (0.0, 0.0, 2.0, 2.5), 3: (0.5, 4.0, 1.0, 1.0)}
    for label, level in levels.items():
        inside = shape == label
        donor_tensor[:, inside] = np.array(level)[:, None] + 0.3 * rng.normal(size=(4, inside.sum()))
    look = look_of(packed("donor", donor_tensor, shape))
    assert set(look.mean) == {2, 3}  # 64 voxels of NCR are too few
    for label in (2, 3):
        np.testing.assert_allclose(look.mean[label], levels[label], atol=0.1)
        np.testing.assert_allclose(np.diag(look.covariance[label]), 0.09, atol=0.03)

    shape[shape == 1] = 3
    painted, labels = paint(tensor, host.labels, shape, look, rng)
    np.testing.assert_array_equal(labels, np.where(shape > 0, shape, host.labels))
    assert not painted[:, ~brain].any()
    np.testing.assert_allclose(painted[:, brain].mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(painted[:, brain].std(axis=1), 1, atol=1e-3)
    healthy = brain & (labels == 0)
    mean = painted[:, healthy].mean(axis=1)
    deviation = painted[:, healthy].std(axis=1)
    for label in (2, 3):
        core = binary_erosion(shape == label)  # parts blend where they meet
        got = (painted[:, core].mean(axis=1) - mean) / deviation
        np.testing.assert_allclose(got, levels[label], atol=0.6)


def test_packs_and_split_come_from_the_training_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, shapes, output = tmp_path / "packs", tmp_path / "shapes", tmp_path / "more"
    data.mkdir()
    shapes.mkdir()
    for seed, name in enumerate(("a", "b", "held")):
        pack = synthetic_pack(name, SHAPE, seed)
        big = np.where(pack.codes.any(axis=0), pack.labels, 0).astype(np.uint8)
        big[5:20, 5:20, 5:20] = 2
        big[8:17, 8:17, 8:17] = 3
        write_pack(packed(name, pack.tensor(), big), data)
    labels = np.where(_shape() == 1, 0, _shape())
    for name in ("BraTS2021_00001", "BraTS2021_00002"):
        image = sitk.GetImageFromArray(np.where(labels == 3, 4, labels).astype(np.uint8))
        sitk.WriteImage(image, str(shapes / f"{name}_seg.nii.gz"))
    split = tmp_path / "fold_1.json"
    split.write_text(json.dumps({"training": ["a", "b"], "held_out": ["held"]}), encoding="utf-8")
    words = ["--shapes", shapes, "--data", data, "--split", split, "--output", output]
    monkeypatch.setattr(sys, "argv", ["synthesise.py", *map(str, words)])
    seen: list[str] = []
    original = read_pack
    monkeypatch.setattr(synthesise, "read_pack", lambda path: seen.append(path.name) or original(path))
    synthesise.main()

    painted = ["fold_1-painted-BraTS2021_00001", "fold_1-painted-BraTS2021_00002"]
    result = read_split(output / "fold_1.json")
    assert result.training == ("a", "b", *painted)
    assert result.held_out == ("held",)
    assert set(pack_names(output)) == {"a", "b", "held", *painted}
    assert "held.b2nd" not in seen
    pack = read_pack(pack_path(output, painted[0]))
    assert pack.head.data_set == "painted"
    assert np.count_nonzero(pack.labels == 3) > 400
    assert "2 painted cases" in capsys.readouterr().out
