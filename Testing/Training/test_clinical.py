"""Which channels a change touches, and which it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from Testing.Training.synthetic import SHIPPED, brain_tensor, rarely_changed
from Training.clinical import SWAPS, as_from_a_clinic, drop_contrasts, swap, without_enhancement
from Training.config import Augmentation, read_config

QUIET = rarely_changed(read_config(SHIPPED).augmentation)
IMAGE = torch.from_numpy(brain_tensor((20, 24, 18)))
BRAIN = (IMAGE != 0).any(0, keepdim=True)
T1, T1GD, T2, FLAIR = range(4)


def _changed(seed: int = 0, **settings: object) -> torch.Tensor:
    augmentation: Augmentation = replace(QUIET, **settings)  # type: ignore[arg-type]
    return as_from_a_clinic(IMAGE, BRAIN, augmentation, np.random.default_rng(seed))


def test_dropped_contrasts_are_zero_and_the_others_untouched() -> None:
    counts = set()
    for seed in range(40):
        changed = _changed(seed, p_contrast_dropout=1.0)
        gone = [n for n in range(4) if not changed[n].any()]
        counts.add(len(gone))
        for n in set(range(4)) - set(gone):
            assert torch.equal(changed[n], IMAGE[n])
    assert counts == {1, 2}


def test_every_pair_of_contrasts_can_be_missing() -> None:
    kept = set()
    for seed in range(200):
        changed = _changed(seed, p_contrast_dropout=1.0)
        kept.add(tuple(n for n in range(4) if changed[n].any()))
    assert len(kept) == 4 + 6


def test_a_swap_exchanges_two_channels() -> None:
    assert torch.equal(swap(IMAGE, ("t2w", "t2f")), IMAGE[[T1, T1GD, FLAIR, T2]])
    assert torch.equal(swap(IMAGE, ("t1n", "t1c")), IMAGE[[T1GD, T1, T2, FLAIR]])
    results = [_changed(seed, p_swap=1.0) for seed in range(20)]
    for pair in SWAPS:
        assert any(torch.equal(result, swap(IMAGE, pair)) for result in results)


def test_without_enhancement_t1_stands_for_t1gd() -> None:
    assert torch.equal(without_enhancement(IMAGE), IMAGE[[T1, T1, T2, FLAIR]])
    assert torch.equal(_changed(p_no_enhancement=1.0), IMAGE[[T1, T1, T2, FLAIR]])


def test_dropping_none_changes_nothing() -> None:
    assert torch.equal(drop_contrasts(IMAGE, []), IMAGE)
    assert torch.equal(_changed(), IMAGE)


@pytest.mark.parametrize("name", ["p_bias_field", "p_motion", "p_thick_slices", "p_intensity_curve"])
def test_a_degraded_channel_is_standardised_and_others_untouched(name: str) -> None:
    touched = 0
    for seed in range(6):
        changed = _changed(seed, **{name: 1.0, "p_channel_degraded": 0.5})
        for before, after in zip(IMAGE, changed, strict=True):
            assert not after[~BRAIN[0]].any()
            if torch.equal(before, after):
                continue
            touched += 1
            values = after[BRAIN[0]]
            assert values.mean().item() == pytest.approx(0, abs=1e-4)
            assert values.std().item() == pytest.approx(1, abs=1e-2)
    assert 4 <= touched <= 20


def test_a_sample_without_brain_stays_zero() -> None:
    always = replace(QUIET, **{n: 1.0 for n in vars(QUIET) if n.startswith("p_")})  # type: ignore[arg-type]
    nothing = torch.zeros(4, 8, 8, 8)
    changed = as_from_a_clinic(nothing, nothing[:1].bool(), always, np.random.default_rng(0))
    assert torch.equal(changed, nothing)
