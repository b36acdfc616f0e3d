"""A pasted lesion's labels and intensities are the donor's, where it was put, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, binary_dilation

from Testing.Training.synthetic import brain_tensor, packed, synthetic_pack, tiny_config
from Training import sampling
from Training.case_pack import CasePack
from Training.case_store import CaseStore
from Training.cases import whole_box
from Training.lesion_paste import Graft, draw_graft, matched, paste
from Training.sampling import draw_batch

CPU = torch.device("cpu")
SHAPE = (40, 44, 36)
DONOR = synthetic_pack("donor", SHAPE, 3)
HEALTHY = packed("healthy", brain_tensor((36, 40, 42), 4), np.zeros((36, 40, 42), np.uint8))


def _tissue(pack: CasePack) -> np.ndarray:
    return np.where(pack.codes.any(axis=0), pack.labels + 1, 0)


def test_labels_are_the_donors_and_the_rest_is_the_recipients() -> None:
    recipient = synthetic_pack("recipient", SHAPE, 5)
    image, donor = (torch.from_numpy(p.tensor())[None] for p in (recipient, DONOR))
    tissue, donor_tissue = (torch.from_numpy(_tissue(p))[None, None].float() for p in (recipient, DONOR))
    pasted, labels = (x[0].numpy() for x in paste(image, tissue, donor, donor_tissue))
    lesion = DONOR.labels > 0
    np.testing.assert_array_equal(labels[0][lesion], DONOR.labels[lesion] + 1)
    np.testing.assert_allclose(pasted[:, lesion], DONOR.tensor()[:, lesion], atol=1e-6)
    far = ~binary_dilation(lesion, np.ones((3, 3, 3)), iterations=4)
    np.testing.assert_array_equal(labels[0][far], _tissue(recipient)[far])
    np.testing.assert_array_equal(pasted[:, far], recipient.tensor()[:, far])
    rim = binary_dilation(lesion, np.ones((3, 3, 3))) & ~lesion & (_tissue(DONOR) > 0) & (labels[0] > 0)
    assert (labels[0][rim] == 1).all()  # the donor's healthy brain, close to its tumour


def test_nothing_is_pasted_outside_of_either_brain() -> None:
    image, donor = torch.zeros(1, 4, 12, 12, 12), torch.ones(1, 4, 12, 12, 12)
    tissue, donor_tissue = torch.ones(1, 1, 12, 12, 12), torch.full((1, 1, 12, 12, 12), 4.0)
    tissue[..., :6], donor_tissue[..., :6, :] = 0, 0
    pasted, labels = paste(image, tissue, donor, donor_tissue)
    assert not pasted[..., :6].any() and not labels[..., :6].any()
    assert not pasted[..., :4, :].any() and (labels[..., :4, 6:] == 1).all()
    assert (labels[..., 6:, 6:] == 4).all()


def test_healthy_brain_of_the_donor_gets_the_recipients_mean_and_deviation() -> None:
    image, donor = (torch.from_numpy(p.tensor()) for p in (HEALTHY, DONOR))
    tissue, donor_tissue = (torch.from_numpy(_tissue(p))[None] for p in (HEALTHY, DONOR))
    changed = matched(donor, donor_tissue, image * 2 + 3, tissue).numpy()
    inside, there = changed[:, _tissue(DONOR) == 1], (image * 2 + 3).numpy()[:, _tissue(HEALTHY) == 1]
    np.testing.assert_allclose(inside.mean(1), there.mean(1), atol=1e-3)
    np.testing.assert_allclose(inside.std(1), there.std(1), rtol=1e-3)


@pytest.mark.parametrize("whole", [True, False])
def test_a_sample_gets_the_lesion_where_the_graft_says(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    """Turned by a quarter about an axis and mirrored, so that every voxel falls on one."""
    donors = CaseStore([HEALTHY, DONOR], CPU)
    linear = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    point = np.argwhere(DONOR.labels == 3).mean(axis=0).round()
    graft = Graft(1, point, np.array([18.0, 17.0, 20.0]), linear)
    monkeypatch.setattr(sampling, "draw_graft", lambda *_: graft)
    monkeypatch.setattr(sampling, "_random_linear", lambda *_: np.eye(3))
    quiet = tiny_config(whole=(36, 40, 42), patch=(36, 40, 42))
    config = replace(quiet, augmentation=replace(quiet.augmentation, p_lesion_paste=1.0))

    first = next(seed for seed in range(99) if np.random.default_rng(seed).integers(2) == 0)
    images, tissue = draw_batch(donors, config, whole, [np.random.default_rng(first)])
    offset = graft.point - linear @ graft.place
    oracle = affine_transform(DONOR.labels, linear, offset, (36, 40, 42), order=0)
    there = (oracle > 0) & (_tissue(HEALTHY) > 0)
    assert there.sum() > 300
    np.testing.assert_array_equal(tissue[0, 0].numpy()[there], oracle[there] + 1)
    assert (tissue[0, 0].numpy() > 1).sum() == there.sum()

    recipient, donor = (donors.crop(n, whole_box(donors.shapes[n])) for n in (0, 1))
    donor = matched(*donor, *recipient).numpy()
    for image, channel in zip(images[0].numpy(), donor, strict=True):
        expected = affine_transform(channel, linear, offset, (36, 40, 42), order=1)
        np.testing.assert_allclose(image[there], expected[there], atol=2e-3)


def test_a_case_alone_has_no_donor() -> None:
    store = CaseStore([DONOR], CPU)
    assert draw_graft(store, 0, np.eye(3), np.random.default_rng(0)) is None
    quiet = tiny_config()
    config = replace(quiet, augmentation=replace(quiet.augmentation, p_lesion_paste=1.0))
    _, tissue = draw_batch(store, config, False, [np.random.default_rng(0)])
    assert tissue.shape == (1, 1, 16, 16, 16)


def test_both_hemispheres_receive_a_lesion() -> None:
    store = CaseStore([HEALTHY, DONOR], CPU)
    rng = np.random.default_rng(0)
    sides = set()
    for _ in range(40):
        graft = draw_graft(store, 0, np.eye(3), rng)
        assert graft is not None
        sides.add(bool(graft.place[2] > 20.5))
        assert (graft.place >= 0).all() and (graft.place <= np.array([35, 39, 41])).all()
        np.testing.assert_allclose(graft.in_donor(graft.place), graft.point)
    assert sides == {True, False}
