"""Instance norm, residual and leaky ReLU in two passes over a channels-last tensor on a CPU."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from torch import Tensor

from SegMambaCore.network.instance_norm import EPS

BLOCK = 4096
"""Voxels a task: its float32 sums stay exact enough, and there are tasks for every core."""


def norm_act_numba(x: Tensor, residual: Tensor | None, norm_residual: bool, slope: float) -> Tensor:
    """leaky_relu(norm(x) + residual), written over x; the residual may be absent or normed too.

    x, residual: float32 (batch, channels, D, H, W), channels_last_3d.
    """
    voxels = _as_voxels(x)
    scale, shift = _scale_and_shift(voxels)
    if residual is None:
        _apply(voxels, scale, shift, np.float32(slope))
    else:
        other = _as_voxels(residual)
        if norm_residual:
            scale2, shift2 = _scale_and_shift(other)
        else:
            scale2, shift2 = np.ones_like(scale), np.zeros_like(shift)
        _apply_sum(voxels, scale, shift, other, scale2, shift2, np.float32(slope))
    return x


def _as_voxels(x: Tensor) -> np.ndarray:
    """(batch, voxels, channels), a view."""
    return x.detach().permute(0, 2, 3, 4, 1).flatten(1, 3).numpy()


def _scale_and_shift(voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The norm as x * scale + shift, (batch, channels) each."""
    # Sums are taken about one voxel's value: without it a mean far from zero would eat the variance's digits.
    pivot = np.ascontiguousarray(voxels[:, voxels.shape[1] // 2])
    sums = _sums(voxels, pivot).astype(np.float64).sum(axis=1) / voxels.shape[1]  # (batch, 2, channels)
    scale = 1 / np.sqrt(np.maximum(sums[:, 1] - sums[:, 0] ** 2, 0) + EPS)
    shift = -(sums[:, 0] + pivot) * scale
    return scale.astype(np.float32), shift.astype(np.float32)


@njit(parallel=True, fastmath=True, cache=True, nogil=True)
def _sums(voxels, pivot):
    batch, count, channels = voxels.shape
    blocks = (count + BLOCK - 1) // BLOCK
    sums = np.zeros((batch, blocks, 2, channels), np.float32)
    for task in prange(batch * blocks):
        b, block = task // blocks, task % blocks
        first = np.zeros(channels, np.float32)
        second = np.zeros(channels, np.float32)
        for v in range(block * BLOCK, min((block + 1) * BLOCK, count)):
            for c in range(channels):
                x = voxels[b, v, c] - pivot[b, c]
                first[c] += x
                second[c] += x * x
        sums[b, block, 0] = first
        sums[b, block, 1] = second
    return sums


@njit(parallel=True, fastmath=True, cache=True, nogil=True)
def _apply(voxels, scale, shift, slope):
    batch, count, channels = voxels.shape
    blocks = (count + BLOCK - 1) // BLOCK
    for task in prange(batch * blocks):
        b, block = task // blocks, task % blocks
        for v in range(block * BLOCK, min((block + 1) * BLOCK, count)):
            for c in range(channels):
                y = voxels[b, v, c] * scale[b, c] + shift[b, c]
                voxels[b, v, c] = max(y, y * slope)


@njit(parallel=True, fastmath=True, cache=True, nogil=True)
def _apply_sum(voxels, scale, shift, other, scale2, shift2, slope):
    batch, count, channels = voxels.shape
    blocks = (count + BLOCK - 1) // BLOCK
    for task in prange(batch * blocks):
        b, block = task // blocks, task % blocks
        for v in range(block * BLOCK, min((block + 1) * BLOCK, count)):
            for c in range(channels):
                y = voxels[b, v, c] * scale[b, c] + shift[b, c] + other[b, v, c] * scale2[b, c] + shift2[b, c]
                voxels[b, v, c] = max(y, y * slope)
