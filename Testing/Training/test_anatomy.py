"""Heads and cavities: where they are, and what stays as it was."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from Training.anatomy import FLUID, HEAD_VOXELS, with_cavity, with_head

SHAPE = (64, 60, 56)


def _ball(radius: float) -> np.ndarray:
    grids = np.indices(SHAPE)
    return sum((g - (n - 1) / 2) ** 2 for g, n in zip(grids, SHAPE, strict=True)) <= radius**2


BRAIN = torch.from_numpy(_ball(10))[None]
IMAGE = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0)) * BRAIN


def test_the_head_surrounds_the_brain_and_is_what_z_scores_are_over() -> None:
    image, head = with_head(IMAGE, BRAIN, np.random.default_rng(0))
    distance = distance_transform_edt(~BRAIN[0].numpy())
    assert head[0].numpy()[distance < 0.75 * HEAD_VOXELS].all()
    assert not head[0].numpy()[distance > HEAD_VOXELS * 1.2].any()
    assert not image[:, ~head[0]].any()
    for before, after in zip(IMAGE, image, strict=True):
        inside = after[head[0]]
        assert abs(inside.mean().item()) < 1e-3 and abs(inside.std().item() - 1) < 1e-2
        # The brain itself is the same but for scale and offset.
        old, new = before[BRAIN[0]].numpy(), after[BRAIN[0]].numpy()
        assert np.corrcoef(old, new)[0, 1] > 0.9999
    shell = {name: (distance > a) & (distance <= b) for name, a, b in (("bone", 5, 7), ("scalp", 11, 13))}
    assert (image[0].numpy()[shell["scalp"]].mean() - image[0].numpy()[shell["bone"]].mean()) > 1


def test_no_brain_no_head() -> None:
    nothing = torch.zeros(4, 12, 12, 12)
    image, head = with_head(nothing, nothing[:1].bool(), np.random.default_rng(0))
    assert not image.any() and not head.any()


def test_a_cavity_is_fluid_without_tumour_within_its_ellipsoid() -> None:
    tissue = torch.where(BRAIN, 4, 0).to(torch.uint8)
    image, after = with_cavity(IMAGE, tissue, (30.0, 28.0, 25.0), (6.0, 3.0, 4.0))
    d, h, w = np.indices(SHAPE)
    hole = ((d - 30) / 6) ** 2 + ((h - 28) / 3) ** 2 + ((w - 25) / 4) ** 2 <= 1
    hole &= BRAIN[0].numpy()
    assert hole.sum() > 200
    np.testing.assert_array_equal(after[0].numpy(), np.where(hole, 1, tissue[0].numpy()))
    for before, channel, level in zip(IMAGE.numpy(), image.numpy(), FLUID, strict=True):
        np.testing.assert_array_equal(channel, np.where(hole, np.float32(level), before))
