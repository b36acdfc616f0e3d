"""Samples against plain slicing, and against SciPy's affine transform."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from Testing.Training.synthetic import synthetic_pack, tiny_config
from Training import sampling
from Training.anatomy import FLUID
from Training.case_store import CaseStore
from Training.sampling import draw_batch

PACKS = [synthetic_pack("a", (20, 24, 18), 1), synthetic_pack("b", (32, 20, 28), 2)]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store() -> CaseStore:
    return CaseStore(PACKS, CPU)


def test_an_unchanged_patch_is_a_box_of_the_case(store: CaseStore) -> None:
    config = tiny_config()
    images, tissue = draw_batch(store, config, False, [np.random.default_rng(n) for n in range(8)])
    assert images.shape == (8, 4, 16, 16, 16)
    for image, sample in zip(images.numpy(), tissue.numpy(), strict=True):
        assert any(_is_box_of(image, pack.tensor(), atol=1e-4) for pack in PACKS)
        assert any(_is_box_of(sample, _tissue(pack)[None], atol=0) for pack in PACKS)


def test_a_mirrored_patch_is_the_mirrored_box(store: CaseStore) -> None:
    config = tiny_config()
    config = replace(config, augmentation=replace(config.augmentation, p_mirror=1.0))
    images, _ = draw_batch(store, config, False, [np.random.default_rng(3)])
    assert any(_is_box_of(images[0].flip(1, 2, 3).numpy(), pack.tensor(), atol=1e-4) for pack in PACKS)


def test_a_whole_brain_lies_in_the_middle_padded_with_background(store: CaseStore) -> None:
    config = tiny_config(whole=(32, 32, 32))
    images, tissue = draw_batch(CaseStore(PACKS[:1], CPU), config, True, [np.random.default_rng(0)])
    assert images.shape == (1, 4, 32, 32, 32)
    inner = (slice(6, 26), slice(4, 28), slice(7, 25))
    np.testing.assert_allclose(images[0].numpy()[(slice(None), *inner)], PACKS[0].tensor(), atol=1e-4)
    np.testing.assert_array_equal(tissue[0, 0].numpy()[inner], _tissue(PACKS[0]))
    assert np.count_nonzero(tissue) == np.count_nonzero(_tissue(PACKS[0]))


def test_tumor_patches_hold_tumor_and_others_need_not() -> None:
    pack = synthetic_pack("wide", (80, 80, 80), 4)
    wide = CaseStore([pack], CPU)
    rng = np.random.default_rng(0)
    shares = []
    for p_tumor in (1.0, 0.0):
        config = tiny_config(p_tumor=p_tumor)
        _, tissue = draw_batch(wide, config, False, [rng] * 20)
        shares.append((tissue > 1).flatten(1).any(1).float().mean().item())
    assert shares[0] == 1.0
    assert shares[1] < 0.6


def test_rotated_and_scaled_samples_agree_with_scipy(
    store: CaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(tiny_config().augmentation, p_rotation=1.0, p_scale=1.0, p_mirror=0.5)
    config = tiny_config(whole=(16, 20, 24), augmentation=settings)
    linear = sampling._random_linear(settings, np.random.default_rng(5))
    monkeypatch.setattr(sampling, "_random_linear", lambda *_: linear)
    images, _ = draw_batch(CaseStore(PACKS[:1], CPU), config, True, [np.random.default_rng(0)])

    centre = (np.array(PACKS[0].labels.shape) - 1) / 2
    offset = centre - linear @ ((np.array(config.whole) - 1) / 2)
    brain = _tissue(PACKS[0]) > 0
    inside = affine_transform(brain.astype(float), linear, offset, config.whole, order=1) > 0.999
    assert inside.sum() > 500
    for image, channel in zip(images[0].numpy(), PACKS[0].tensor(), strict=True):
        oracle = affine_transform(channel, linear, offset, config.whole, order=1)
        np.testing.assert_allclose(image[inside], oracle[inside], atol=1e-3)


def test_a_cavity_lies_about_a_tumor_voxel_of_the_turned_sample(store: CaseStore) -> None:
    settings = replace(
        tiny_config().augmentation, p_cavity=1.0, cavity_voxels=(3.0, 3.0), p_rotation=1.0, p_mirror=0.5
    )
    config = tiny_config(whole=(32, 32, 32), augmentation=settings)
    for seed in range(8):
        images, tissue = draw_batch(store, config, True, [np.random.default_rng(seed)])
        fluid = np.isclose(images[0].numpy(), np.array(FLUID).reshape(4, 1, 1, 1)).all(0)
        assert 60 < fluid.sum() <= 123  # a ball of radius 3, or a part of it at the brain's edge
        assert (tissue[0, 0].numpy()[fluid] == 1).all()
        centre = np.argwhere(fluid).mean(0).round().astype(int)
        near = tuple(slice(max(0, c - 5), c + 6) for c in centre)
        assert (tissue[0, 0].numpy()[near] > 1).any()


def test_a_linear_change_is_rotation_mirror_and_scale() -> None:
    settings = replace(tiny_config().augmentation, p_rotation=1.0, p_scale=1.0, p_mirror=0.5)
    for seed in range(20):
        linear = sampling._random_linear(settings, np.random.default_rng(seed))
        gram = linear.T @ linear
        np.testing.assert_allclose(gram, np.eye(3) * gram[0, 0], atol=1e-12)
        assert 1 / 1.4 <= np.sqrt(gram[0, 0]) <= 1 / 0.7


def _tissue(pack: object) -> np.ndarray:
    return np.where(pack.codes.any(axis=0), pack.labels + 1, 0)  # type: ignore[attr-defined]


def _is_box_of(sample: np.ndarray, case: np.ndarray, atol: float) -> bool:
    """Whether the sample equals some box of the case padded with background; arrays (channels, D, H, W)."""
    side = sample.shape[1:]
    padded = np.pad(case, ((0, 0), *((8, 8) for _ in range(3))))
    places = np.argwhere(np.abs(padded[0] - sample[0, 8, 8, 8]) <= max(atol, 1e-6))
    for place in places:
        start = place - 8
        box = padded[(slice(None), *(slice(s, s + n) for s, n in zip(start, side, strict=True)))]
        if (start >= 0).all() and box.shape == sample.shape and np.allclose(box, sample, rtol=0, atol=atol):
            return True
    return False
