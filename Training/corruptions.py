"""What scanners and patients do to a contrast: bias field, motion, thick slices, other intensities.

Each function changes one channel (D, H, W) that is 0 outside the brain and not negative inside, as a scanner's
magnitudes are: `in_positive_units` makes such channels of z-scores, `standardised` z-scores of them again. Everything
runs on the channel's device, and the host does not wait for it.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from Training.brain_intensities import brain_range


def in_positive_units(image: Tensor, brain: Tensor) -> Tensor:
    """Return the image (C, D, H, W) above the least value that each channel has over the brain (1, D, H, W)."""
    low, _ = brain_range(image * brain, brain)
    return (image - low) * brain


def apply_bias_field(channel: Tensor, coefficients: NDArray[np.float64]) -> Tensor:
    """Multiply by exp(field): a sum of Legendre polynomials along D, H, W from -1 to 1 (MONAI's RandBiasField).

    coefficients: (n, n, n); c[i, j, k] belongs to P_i(d) P_j(h) P_k(w).
    """
    legendre = [_legendre(len(coefficients), length, channel.device) for length in channel.shape]
    field: Tensor | float = 0.0
    for of_d, plane_coefficients in zip(legendre[0], coefficients, strict=True):
        plane: Tensor | float = 0.0
        for of_h, line_coefficients in zip(legendre[1], plane_coefficients, strict=True):
            terms = zip(legendre[2], line_coefficients.tolist(), strict=True)
            line: Tensor | float = sum(of_w * value for of_w, value in terms)
            plane = plane + of_h[:, None] * line
        field = field + of_d[:, None, None] * plane
    return channel * torch.exp(torch.as_tensor(field))


def move_during_scan(
    channel: Tensor, shift: tuple[int, int, int], axis: int, first: float, share: float, period: int = 1
) -> Tensor:
    """Mix the k-space of the still channel with that of one moved by `shift` voxels along (D, H, W).

    The lines of k-space along `axis` (phase encoding) are counted from one end to the other: of those from the part
    `first` on, `share` of all, every `period`-th is the moved one's. A period of 1 blurs and rings, a longer one makes
    ghosts. The result is the magnitude, as scanners give it.
    """
    moved = torch.roll(channel, shift, dims=(0, 1, 2))
    lines = channel.shape[axis]
    number = torch.arange(lines, device=channel.device)
    start = round(first * lines)
    taken = (number >= start) & (number < start + round(share * lines)) & ((number - start) % period == 0)
    taken = torch.fft.ifftshift(taken)  # counted from one end; the FFT begins in the middle
    shape = [1, 1, 1]
    shape[axis] = lines
    difference = torch.fft.fft(moved - channel, dim=axis) * taken.view(shape)
    return (channel + torch.fft.ifft(difference, dim=axis)).abs()


def thicken_slices(channel: Tensor, brain: Tensor, thickness: float, axis: int) -> Tensor:
    """Return a channel as if acquired in slices of `thickness` voxels across `axis`, and interpolated back.

    A slice is the mean of its brain voxels, which number as many as lie within it; brain (D, H, W) stays as it is.
    """
    length = channel.shape[axis]
    slices = max(2, math.ceil(length / thickness))
    weighted = _resized(torch.stack([channel, brain.to(channel.dtype)]), axis, slices, length, thickness)
    return weighted[0] / weighted[1].clamp(min=1e-3) * brain


def bend_intensities(channel: Tensor, rising: float, falling: float, share: float) -> Tensor:
    """Send the range 0 to 1 (least to greatest value) through a curve that never falls.

    share * u^rising + (1 - share) * (1 - (1 - u)^falling), with exponents of at least 1: convex, concave or both.
    """
    high = channel.amax().clamp(min=1e-3)
    u = (channel / high).clamp(0, 1)
    return (share * u.pow(rising) + (1 - share) * (1 - (1 - u).pow(falling))) * high


def _legendre(degree_count: int, length: int, device: torch.device) -> list[Tensor]:
    """P_0 to P_(degree_count - 1) at `length` points from -1 to 1, by Bonnet's recursion."""
    x = torch.linspace(-1, 1, length, device=device)
    polynomials = [torch.ones_like(x), x]
    for n in range(1, degree_count - 1):
        polynomials.append(((2 * n + 1) * x * polynomials[n] - n * polynomials[n - 1]) / (n + 1))
    return polynomials[:degree_count]


def _resized(channels: Tensor, axis: int, slices: int, length: int, thickness: float) -> Tensor:
    """Mean over each slice, then linear between the slices' middles: channels (C, D, H, W) of the same size."""
    moved = channels.movedim(axis + 1, -1)
    lines = moved.reshape(-1, 1, length)
    # Slice n covers the voxels from n * thickness to (n + 1) * thickness: as a difference of running sums.
    sums = F.pad(lines.cumsum(-1), (1, 0))
    edges = (
        torch.arange(slices + 1, device=channels.device, dtype=torch.float32)
        .mul_(thickness)
        .clamp_(max=length)
    )
    below = edges.floor().long().clamp_(max=length - 1)
    at_edges = torch.lerp(sums[..., below], sums[..., below + 1], edges - below)
    means = at_edges.diff(dim=-1) / edges.diff().clamp(min=1e-3)
    # A voxel's middle lies at x + 0.5, a slice's at (n + 0.5) * thickness.
    places = ((torch.arange(length, device=channels.device) + 0.5) / thickness - 0.5).clamp_(0, slices - 1)
    lower = places.floor().long().clamp_(max=slices - 2)
    back = torch.lerp(means[..., lower], means[..., lower + 1], places - lower)
    return back.reshape(moved.shape).movedim(-1, axis + 1)
