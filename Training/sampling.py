"""Which part of which case a training step sees, and how it is turned."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from Training.case_store import CaseStore
from Training.config import Augmentation, Config, Size


def draw_batch(
    store: CaseStore, config: Config, whole: bool, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return images, float32 (B, channels, D, H, W), and tissue, uint8 (B, 1, D, H, W).

    Images are z-scores, tissue is as in `CaseStore`: either one whole brain, cropped or padded to
    `config.whole`, or patches; each rotated, scaled and mirrored at random. All random numbers come from the
    host's generator and reach the device as kernel arguments, so that the host never waits for the device.
    """
    shape = config.whole if whole else config.patch
    images, tissues = [], []
    for _ in range(1 if whole else config.batch_size):
        case = int(rng.integers(len(store)))
        centre = _middle(store.shapes[case]) if whole else _patch_centre(store, case, config, rng)
        linear = _random_linear(config.augmentation, rng)
        grid = _sampling_grid(linear, centre, shape, store.codes.shape[2:], store.codes.device)
        image, tissue = store.image(case)[None], store.tissue[case][None].float()
        images.append(F.grid_sample(image, grid, mode="bilinear", align_corners=True))
        tissues.append(F.grid_sample(tissue, grid, mode="nearest", align_corners=True))
    tissue = torch.cat(tissues).to(torch.uint8)
    return torch.cat(images) * (tissue > 0), tissue


def _middle(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return (np.asarray(shape, dtype=np.float64) - 1) / 2


def _patch_centre(
    store: CaseStore, case: int, config: Config, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A point of the tumour, of each label equally often, or any point; the patch stays within the case."""
    shape, patch = np.asarray(store.shapes[case]), np.asarray(config.patch)
    points = store.tumor_points[case]
    if points and rng.random() < config.p_tumor:
        of_label = points[rng.integers(len(points))]
        start = of_label[rng.integers(len(of_label))] - patch // 2
    else:
        start = rng.integers(0, np.maximum(shape - patch, 0) + 1)
    start = np.clip(start, np.minimum(shape - patch, 0) // 2, np.maximum(shape - patch, 0))
    return start + (patch - 1) / 2


def _random_linear(settings: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """A 3 x 3 matrix from steps of the sample to steps of the case, both in (d, h, w)."""
    linear = np.eye(3)
    if rng.random() < settings.p_rotation:
        limit = math.radians(settings.rotation_degrees)
        for axis in range(3):
            cos, sin = math.cos(angle := rng.uniform(-limit, limit)), math.sin(angle)
            a, b = (other for other in range(3) if other != axis)
            rotation = np.eye(3)
            rotation[[a, a, b, b], [a, b, a, b]] = cos, -sin, sin, cos
            linear = linear @ rotation
    if rng.random() < settings.p_scale:
        low, high = settings.scale
        # Enlarging and shrinking are equally likely.
        zoom = rng.uniform(low, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, high)
        linear = linear / zoom
    return linear * np.where(rng.random(3) < settings.p_mirror, -1.0, 1.0)


def _sampling_grid(
    linear: NDArray[np.float64],
    centre: NDArray[np.float64],
    shape: Size,
    source: torch.Size,
    device: torch.device,
) -> Tensor:
    """Return (1, D, H, W, 3) for `grid_sample`: (w, h, d) in units where -1 and 1 are the outermost voxels.

    Written out, as affine_grid multiplies matrices: in TF32 on a GPU, a tenth of a voxel off.
    """
    d, h, w = (torch.arange(length, device=device) - (length - 1) / 2 for length in shape)
    coordinates = []
    for axis in (2, 1, 0):
        to_unit = 2 / (source[axis] - 1)
        along_d, along_h, along_w = (float(value) * to_unit for value in linear[axis])
        offset = float(centre[axis]) * to_unit - 1
        plane = (h * along_h)[:, None] + (w * along_w + offset)[None, :]
        coordinates.append((d * along_d)[:, None, None] + plane[None])
    return torch.stack(coordinates, dim=-1)[None]
