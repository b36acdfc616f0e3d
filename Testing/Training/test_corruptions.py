"""What scanners do, against NumPy's polynomials and Fourier transform, and against plain averages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import leggrid3d

from Testing.Training.synthetic import brain_tensor
from Training.brain_intensities import standardised
from Training.corruptions import (
    apply_bias_field,
    bend_intensities,
    in_positive_units,
    move_during_scan,
    thicken_slices,
)

IMAGE = torch.from_numpy(brain_tensor((20, 24, 18)))
BRAIN = (IMAGE != 0).any(0, keepdim=True)
POSITIVE = in_positive_units(IMAGE, BRAIN)
CHANNEL, MASK = POSITIVE[0], BRAIN[0]


def test_positive_units_are_those_above_the_least_of_the_brain_and_lead_back() -> None:
    for before, after in zip(IMAGE.numpy(), POSITIVE.numpy(), strict=True):
        np.testing.assert_allclose(after[MASK], before[MASK] - before[MASK].min(), atol=1e-6)
        assert not after[~MASK.numpy()].any()
    inside = standardised(POSITIVE, BRAIN)[:, MASK].numpy()
    np.testing.assert_allclose(inside.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(inside.std(axis=1), 1, atol=1e-4)
    expected = IMAGE[:, MASK].numpy()
    expected = (expected - expected.mean(1, keepdims=True)) / expected.std(1, keepdims=True)
    np.testing.assert_allclose(inside, expected, atol=1e-4)


def test_bias_field_is_numpys_legendre_series() -> None:
    coefficients = np.random.default_rng(0).normal(size=(4, 4, 4)) * 0.1
    points = [np.linspace(-1, 1, length) for length in CHANNEL.shape]
    oracle = CHANNEL.numpy() * np.exp(leggrid3d(*points, coefficients))
    np.testing.assert_allclose(apply_bias_field(CHANNEL, coefficients).numpy(), oracle, rtol=1e-4)


def test_no_bias_without_coefficients() -> None:
    assert torch.equal(apply_bias_field(CHANNEL, np.zeros((4, 4, 4))), CHANNEL)


@pytest.mark.parametrize(("axis", "period"), [(0, 1), (1, 2), (2, 3)])
def test_motion_mixes_numpys_k_spaces(axis: int, period: int) -> None:
    shift, first, share = (1, -2, 3), 0.2, 0.5
    still = CHANNEL.numpy().astype(np.float64)
    moved = np.roll(still, shift, axis=(0, 1, 2))
    spaces = [np.moveaxis(np.fft.fftshift(np.fft.fftn(x), axes=axis), axis, 0) for x in (still, moved)]
    lines = still.shape[axis]
    start, stop = round(first * lines), round(first * lines) + round(share * lines)
    spaces[0][start:stop:period] = spaces[1][start:stop:period]
    oracle = np.abs(np.fft.ifftn(np.fft.ifftshift(np.moveaxis(spaces[0], 0, axis), axes=axis)))
    changed = move_during_scan(CHANNEL, shift, axis, first, share, period)
    np.testing.assert_allclose(changed.numpy(), oracle, atol=1e-4)


def test_a_patient_who_lies_still_is_not_changed() -> None:
    torch.testing.assert_close(move_during_scan(CHANNEL, (0, 0, 0), 1, 0.0, 1.0), CHANNEL)
    moved = torch.roll(CHANNEL, (1, 0, 2), (0, 1, 2))
    torch.testing.assert_close(move_during_scan(CHANNEL, (1, 0, 2), 1, 0.0, 1.0), moved, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_slices_are_means_of_brain_at_their_middles(axis: int) -> None:
    changed = thicken_slices(CHANNEL, MASK, 3.0, axis).movedim(axis, 0).numpy()
    channel, brain = (x.movedim(axis, 0).numpy() for x in (CHANNEL, MASK))
    for middle in range(1, len(channel) - 1, 3):
        slab = slice(middle - 1, middle + 2)
        count = brain[slab].sum(0)
        mean = channel[slab].sum(0) / np.maximum(count, 1)
        here = brain[middle]
        np.testing.assert_allclose(changed[middle][here], mean[here], atol=1e-4)
    assert not changed[~brain].any()


def test_thick_slices_of_unequal_numbers_of_voxels_keep_a_constant_and_a_ramp() -> None:
    everywhere = torch.ones(23, 6, 7, dtype=torch.bool)
    ramp = torch.arange(23.0)[:, None, None].expand(23, 6, 7)
    torch.testing.assert_close(thicken_slices(torch.ones(23, 6, 7), everywhere, 4.6, 0), torch.ones(23, 6, 7))
    inner = slice(3, -3)
    # Within a voxel the ramp is a stair: a slice that cuts one is off by up to 1 / (8 * thickness) at either end.
    changed = thicken_slices(ramp, everywhere, 4.6, 0)
    torch.testing.assert_close(changed[inner], ramp[inner], atol=0.06, rtol=0)


@pytest.mark.parametrize(("rising", "falling", "share"), [(1.0, 1.0, 0.3), (2.5, 1.5, 0.5), (3.0, 3.0, 1.0)])
def test_a_curve_keeps_the_order_and_the_range(rising: float, falling: float, share: float) -> None:
    changed = bend_intensities(CHANNEL, rising, falling, share)
    assert (changed.flatten()[CHANNEL.flatten().argsort()].diff() >= -1e-5).all()
    assert changed.max().item() == pytest.approx(CHANNEL.max().item(), rel=1e-5)
    assert not changed[~MASK].any()
    if rising == falling == 1.0:
        torch.testing.assert_close(changed, CHANNEL)
    else:
        assert (changed - CHANNEL).abs().max() > 0.1
