"""Changes of intensity against SciPy, and what each of them promises to keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from Testing.Training.synthetic import SHIPPED, brain_tensor, rarely_changed
from Training.augmentation import augment_intensities, blur, change_contrast, change_gamma, lower_resolution
from Training.config import read_config

SETTINGS = read_config(SHIPPED).augmentation
IMAGE = torch.from_numpy(brain_tensor((20, 24, 18)))
BRAIN = (IMAGE != 0).any(0, keepdim=True)


def test_background_stays_zero_and_values_finite_under_every_change() -> None:
    always = replace(
        SETTINGS, **({name: 1.0 for name in vars(SETTINGS) if name.startswith("p_")} | {"p_skull": 0.0})
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        changed = augment_intensities(IMAGE[None], BRAIN[None], always, [rng])
        assert torch.isfinite(changed).all()
        assert not changed[0][:, ~BRAIN[0]].any()
        assert not torch.equal(changed[0], IMAGE)


def test_a_sample_without_brain_stays_zero() -> None:
    always = replace(SETTINGS, **{name: 1.0 for name in vars(SETTINGS) if name.startswith("p_")})
    nothing = torch.zeros(1, 4, 8, 8, 8)
    changed = augment_intensities(nothing, nothing[:, :1].bool(), always, [np.random.default_rng(0)])
    assert torch.equal(changed, nothing)


def test_nothing_happens_at_probability_zero() -> None:
    changed = augment_intensities(
        IMAGE[None], BRAIN[None], rarely_changed(SETTINGS), [np.random.default_rng(0)]
    )
    assert torch.equal(changed[0], IMAGE)


@pytest.mark.parametrize("sigma", [0.5, 0.8, 1.0])
def test_blur_is_scipys_gaussian(sigma: float) -> None:
    oracle = gaussian_filter(IMAGE[0].numpy(), sigma, mode="constant", radius=3)
    np.testing.assert_allclose(blur(IMAGE[0], sigma).numpy(), oracle, atol=1e-5)


@pytest.mark.parametrize("gamma", [0.7, 1.5])
def test_gamma_keeps_mean_and_deviation_and_order(gamma: float) -> None:
    changed = change_gamma(IMAGE, BRAIN, gamma)
    for before, after in zip(_brain_values(IMAGE), _brain_values(changed), strict=True):
        assert after.mean().item() == pytest.approx(before.mean().item(), abs=1e-4)
        assert after.std().item() == pytest.approx(before.std().item(), rel=1e-3)
        assert (after[before.argsort()].diff() >= -1e-5).all()
        assert (after - before).abs().max() > 0.1


def test_contrast_keeps_mean_within_the_old_range() -> None:
    changed = change_contrast(IMAGE, BRAIN, [1.25, 0.75, 1.0, 1.1])
    values, changed_values = _brain_values(IMAGE), _brain_values(changed)
    assert (changed_values.amax(1) <= values.amax(1) + 1e-6).all()
    assert (changed_values.amin(1) >= values.amin(1) - 1e-6).all()
    torch.testing.assert_close(changed_values[2], values[2])
    assert changed_values[1].std().item() == pytest.approx(0.75 * values[1].std().item(), rel=1e-3)


def test_lower_resolution_removes_detail_alone() -> None:
    ramp = torch.arange(24.0).expand(20, 18, 24).contiguous()
    torch.testing.assert_close(lower_resolution(ramp, 1.0), ramp)
    inner = (slice(4, -4),) * 3
    assert (lower_resolution(ramp, 0.5)[inner] - ramp[inner]).abs().max() <= 1.0
    assert lower_resolution(IMAGE[0], 0.5).std() < 0.8 * IMAGE[0].std()


def _brain_values(image: Tensor) -> Tensor:
    return image[:, BRAIN[0]]
