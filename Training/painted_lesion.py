"""A tumour of which only the shape is known, painted into a brain with the intensities of another patient's tumour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from Training.case_pack import CasePack

_LABELS = (1, 2, 3)
_LEAST_VOXELS = 200  # of a label, for its look to be told
_PATCHES_VOXELS = 2.0  # size of the spots within a part
_TEXTURE_VOXELS = 1.5
_TEXTURE_SHARE = 0.7  # of the brain's own fine texture
_BETWEEN_LABELS_VOXELS = 0.7
_BORDER_VOXELS = 1.0


@dataclass(frozen=True)
class Look:
    """Intensities of a tumour's parts: mean (channels,) and covariance (channels, channels) of each label.

    In deviations of the same patient's healthy brain from its mean.
    """

    mean: dict[int, NDArray[np.float64]]
    covariance: dict[int, NDArray[np.float64]]


def look_of(pack: CasePack) -> Look:
    """Return the look of a case's tumour, of those labels that it has enough of."""
    tensor = pack.tensor()
    mean, deviation = _healthy(tensor, pack.labels)
    look = Look({}, {})
    for label in _LABELS:
        inside = (pack.labels == label) & (tensor != 0).any(axis=0)
        if np.count_nonzero(inside) < _LEAST_VOXELS:
            continue
        values = (tensor[:, inside] - mean[:, None]) / deviation[:, None]
        look.mean[label] = values.mean(axis=1)
        look.covariance[label] = np.cov(values)
    return look


def paint(
    tensor: NDArray[np.float32],
    labels: NDArray[np.uint8],
    shape: NDArray[np.uint8],
    look: Look,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return image and labels with the shape in them, z-scores over the brain as a case is prepared.

    tensor: z-scores (channels, D, H, W). labels, shape: (D, H, W), 1 NCR, 2 ED, 3 ET; the look must have every label of
    the shape. What lies outside of the brain is cut off; a tumour that was there keeps what the shape leaves.
    """
    brain = (tensor != 0).any(axis=0)
    shape = np.where(brain, shape, np.uint8(0))
    mean, deviation = _healthy(tensor, labels)
    spots = np.stack([gaussian_filter(rng.normal(size=brain.shape), _PATCHES_VOXELS) for _ in tensor])
    spots /= spots.std(axis=(1, 2, 3), keepdims=True)
    texture = np.stack([channel - gaussian_filter(channel, _TEXTURE_VOXELS) for channel in tensor])

    lesion, total = np.zeros(tensor.shape), np.zeros(brain.shape)
    for label in np.unique(shape[shape > 0]).tolist():
        share = gaussian_filter((shape == label).astype(np.float32), _BETWEEN_LABELS_VOXELS)
        factor = np.linalg.cholesky(look.covariance[label] + 1e-6 * np.eye(len(tensor)))
        values = look.mean[label][:, None, None, None] + np.einsum("cd,dkji->ckji", factor, spots)
        lesion += share * (mean[:, None, None, None] + deviation[:, None, None, None] * values)
        total += share
    lesion = np.divide(lesion, total, out=lesion, where=total > 0) + _TEXTURE_SHARE * texture

    # 1 up to the border, which the blend leaves within two voxels.
    weight = np.clip(2 * gaussian_filter((shape > 0).astype(np.float32), _BORDER_VOXELS), 0, 1) * (total > 0)
    painted = np.where(brain, tensor + weight * (lesion - tensor), 0)
    inside = painted[:, brain]
    painted[:, brain] = (inside - inside.mean(axis=1, keepdims=True)) / inside.std(axis=1, keepdims=True)
    return painted.astype(np.float32), np.where(shape > 0, shape, labels)


def _healthy(
    tensor: NDArray[np.float32], labels: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (channels,) over the brain without tumour."""
    values = tensor[:, (tensor != 0).any(axis=0) & (labels == 0)].astype(np.float64)
    return values.mean(axis=1), np.maximum(values.std(axis=1), 1e-3)
