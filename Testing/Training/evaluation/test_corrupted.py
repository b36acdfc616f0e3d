"""Every corruption, on a synthetic case: what it changes and what it must leave."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from Testing.Training.synthetic import synthetic_pack
from Training.evaluation.corrupted import CORRUPTIONS, corrupted, sample_of

PACK = synthetic_pack("a", (48, 44, 40), 1)
CLEAN = sample_of(PACK)
SPARED = ("none", "skull left on", "resection cavity")
"""Corruptions that keep the image, its size or the labels otherwise than the rest."""


def test_there_are_all_that_clinics_do() -> None:
    assert len(CORRUPTIONS) == 1 + 4 + 6 + 2 + 8
    assert "T1 and T1Gd missing" in CORRUPTIONS
    assert corrupted(CLEAN, "none", "a") is CLEAN


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in SPARED])
def test_the_image_changes_and_labels_and_brain_do_not(name: str) -> None:
    sample = corrupted(CLEAN, name, "a")
    assert torch.equal(sample.labels, CLEAN.labels)
    assert sample.image.shape == CLEAN.image.shape
    assert not torch.equal(sample.image, CLEAN.image)
    assert torch.isfinite(sample.image).all()
    assert not sample.image[:, ~CLEAN.brain[0]].any()


def test_a_corruption_is_the_same_for_every_model_and_another_for_every_case() -> None:
    first, second, other = (corrupted(CLEAN, "motion", case).image for case in ("a", "a", "b"))
    assert torch.equal(first, second) and not torch.equal(first, other)
    first, second = (corrupted(CLEAN, "noise", "a").image for _ in range(2))
    assert torch.equal(first, second)


def test_missing_and_swapped_channels_are_those_named() -> None:
    image = corrupted(CLEAN, "T1Gd and T2-FLAIR missing", "a").image
    assert [bool(channel.any()) for channel in image] == [True, False, True, False]
    swapped = corrupted(CLEAN, "T2 and T2-FLAIR swapped", "a").image
    assert torch.equal(swapped, CLEAN.image[[0, 1, 3, 2]])
    assert torch.equal(corrupted(CLEAN, "no contrast agent", "a").image, CLEAN.image[[0, 0, 2, 3]])


def test_a_skull_needs_room_and_keeps_sides_that_the_network_likes() -> None:
    sample = corrupted(CLEAN, "skull left on", "a")
    assert tuple(sample.labels.shape) == (80, 76, 72)
    assert torch.equal(sample.labels[16:-16, 16:-16, 16:-16], CLEAN.labels)
    assert sample.brain.sum() > 1.5 * CLEAN.brain.sum()


def test_a_cavity_takes_tumour_out_of_image_and_reference() -> None:
    sample = corrupted(CLEAN, "resection cavity", "a")
    gone = (CLEAN.labels > 0) & (sample.labels == 0)
    assert gone.sum() > 0
    kept = sample.labels > 0
    assert torch.equal(sample.labels[kept], CLEAN.labels[kept])
    t2 = sample.image[2].numpy()
    assert np.ptp(t2[gone.numpy()]) < 1e-4  # all fluid
