"""Which part of which case a training step sees, and how it is turned."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from Training.anatomy import with_cavity
from Training.case_store import CaseStore
from Training.config import Augmentation, Config, Size
from Training.elastic import displacement_field
from Training.lesion_paste import draw_graft, matched, paste


def draw_batch(
    store: CaseStore, config: Config, whole: bool, rngs: Sequence[np.random.Generator]
) -> tuple[Tensor, Tensor]:
    """Return images, float32 (B, channels, D, H, W), and tissue, uint8 (B, 1, D, H, W).

    Images are z-scores, tissue is as in `CaseStore`: whole brains, cropped or padded to `config.whole`, or patches;
    each rotated, scaled, mirrored and bent at random, some with a lesion of another case or a cavity in it, by a
    generator of its own. What the host draws reaches the device as kernel arguments, so that the host never waits for
    the device.
    """
    samples = [_draw_sample(store, config, whole, rng) for rng in rngs]
    images, tissues = zip(*samples, strict=True)
    tissue = torch.cat(tissues).to(torch.uint8)
    return torch.cat(images) * (tissue > 0), tissue


def _draw_sample(
    store: CaseStore, config: Config, whole: bool, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Image and tissue (1, ..., D, H, W), float32."""
    settings = config.augmentation
    shape = config.whole if whole else config.patch
    case = int(rng.integers(len(store)))
    graft = None
    if rng.random() < settings.p_lesion_paste:
        graft = draw_graft(store, case, _random_linear(settings, rng), rng)
    if whole:
        centre = _middle(store.shapes[case])
    elif graft is not None and rng.random() < config.p_tumor:
        centre = _centre_around(graft.place.round().astype(np.int64), store, case, config.patch)
    else:
        centre = _patch_centre(store, case, config, rng)
    linear = _random_linear(settings, rng)
    bend = _bend(settings, shape, store.device, rng)

    own_image, own_tissue = store.image(case), store.tissue(case)
    image, tissue = _sampled(own_image, own_tissue, linear, centre, shape, bend)
    if graft is not None:
        donor_tissue = store.tissue(graft.donor)
        donor = matched(store.image(graft.donor), donor_tissue, own_image, own_tissue)
        sample = _sampled(donor, donor_tissue, graft.linear @ linear, graft.in_donor(centre), shape, bend)
        image, tissue = paste(image, tissue, *sample)
    if store.tumor_points[case] and rng.random() < settings.p_cavity:
        point = _tumor_point(store, case, rng)
        place = np.linalg.solve(linear, point - centre) + _middle(shape)
        radii = rng.uniform(*settings.cavity_voxels, size=3)
        holed = with_cavity(image[0], tissue[0], place.tolist(), radii.tolist())
        image, tissue = (x[None] for x in holed)
    return image, tissue


def _sampled(
    image: Tensor,
    tissue: Tensor,
    linear: NDArray[np.float64],
    centre: NDArray[np.float64],
    shape: Size,
    bend: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """A case's image and tissue, (..., D, H, W) each, in a box of another shape about a centre."""
    grid = _sampling_grid(linear, centre, shape, image.shape[1:], image.device, bend)
    return (
        F.grid_sample(image[None], grid, mode="bilinear", align_corners=True),
        F.grid_sample(tissue[None].float(), grid, mode="nearest", align_corners=True),
    )


def _middle(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return (np.asarray(shape, dtype=np.float64) - 1) / 2


def _patch_centre(
    store: CaseStore, case: int, config: Config, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A point of the tumour, of each label equally often, or any point; the patch stays within the case."""
    if store.tumor_points[case] and rng.random() < config.p_tumor:
        return _centre_around(_tumor_point(store, case, rng), store, case, config.patch)
    shape, patch = np.asarray(store.shapes[case]), np.asarray(config.patch)
    start = rng.integers(0, np.maximum(shape - patch, 0) + 1)
    return _centre_around(start + patch // 2, store, case, config.patch)


def _tumor_point(store: CaseStore, case: int, rng: np.random.Generator) -> NDArray[np.int64]:
    of_label = store.tumor_points[case][rng.integers(len(store.tumor_points[case]))]
    return of_label[rng.integers(len(of_label))]


def _centre_around(point: NDArray[np.int64], store: CaseStore, case: int, patch: Size) -> NDArray[np.float64]:
    """The middle of the patch around a voxel, moved to lie within the case."""
    shape, size = np.asarray(store.shapes[case]), np.asarray(patch)
    start = np.clip(point - size // 2, np.minimum(shape - size, 0) // 2, np.maximum(shape - size, 0))
    return start + (size - 1) / 2


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
    bend: Tensor | None,
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
        if bend is not None:
            coordinates[-1] += bend[0] * along_d + bend[1] * along_h + bend[2] * along_w
    return torch.stack(coordinates, dim=-1)[None]


def _bend(
    settings: Augmentation, shape: Size, device: torch.device, rng: np.random.Generator
) -> Tensor | None:
    """Displacements (3, D, H, W) of a sample's voxels along d, h, w, in voxels; None: stays as it is."""
    if rng.random() >= settings.p_elastic:
        return None
    sigma = rng.uniform(*settings.elastic_sigma_voxels)
    return displacement_field(shape, sigma, device, rng) * rng.uniform(*settings.elastic_deviation_voxels)
