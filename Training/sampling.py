"""Which part of which case a training step sees, and how it is turned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.volume.bounding_box import Box
from Training.anatomy import with_cavity
from Training.case_store import Read
from Training.cases import Cases, whole_box
from Training.config import Augmentation, Config, Size
from Training.elastic import displacement_field
from Training.lesion_paste import Graft, draw_graft, matched, paste


@dataclass(frozen=True)
class _Plan:
    """What a sample is made of, before anything is read.

    linear: from steps of the sample to steps of the case. centre: of the sample, in the case. bends: whether it will be
    bent, which only the device knows how far.
    """

    case: int
    graft: Graft | None
    centre: NDArray[np.float64]
    linear: NDArray[np.float64]
    bends: bool

    def reads(self, cases: Cases, shape: Size) -> list[Read]:
        """The box of the case that a sample of this shape needs; with a graft all of it, and all of the donor."""
        own = whole_box(cases.shapes[self.case])
        if self.graft is not None:
            return [(self.case, own), (self.graft.donor, whole_box(cases.shapes[self.graft.donor]))]
        return [(self.case, own if self.bends else _box_of(self, shape, cases.shapes[self.case]))]


def draw_batch(
    cases: Cases, config: Config, whole: bool, rngs: Sequence[np.random.Generator]
) -> tuple[Tensor, Tensor]:
    """Return images, float32 (B, channels, D, H, W), and tissue, uint8 (B, 1, D, H, W).

    Images are z-scores, tissue is as in `Cases.crop`: whole brains, cropped or padded to `config.whole`, or patches;
    each rotated, scaled, mirrored and bent at random, some with a lesion of another case or a cavity in it, by a
    generator of its own. What the host draws reaches the device as kernel arguments, so that the host never waits for
    the device.
    """
    samples = [_draw_sample(cases, config, whole, rng) for rng in rngs]
    images, tissues = zip(*samples, strict=True)
    tissue = torch.cat(tissues).to(torch.uint8)
    return torch.cat(images) * (tissue > 0), tissue


def reads_of(
    cases: Cases, config: Config, whole: bool, rngs: Sequence[np.random.Generator]
) -> Iterator[Read]:
    """Yield what `draw_batch` reads, in its order, given generators in the same state."""
    shape = config.whole if whole else config.patch
    for rng in rngs:
        yield from _plan(cases, config, whole, rng).reads(cases, shape)


def _plan(cases: Cases, config: Config, whole: bool, rng: np.random.Generator) -> _Plan:
    settings = config.augmentation
    case = int(rng.integers(len(cases)))
    graft = None
    if rng.random() < settings.p_lesion_paste:
        graft = draw_graft(cases, case, _random_linear(settings, rng), rng)
    if whole:
        centre = _middle(cases.shapes[case])
    elif graft is not None and rng.random() < config.p_tumor:
        centre = _centre_around(graft.place.round().astype(np.int64), cases, case, config.patch)
    else:
        centre = _patch_centre(cases, case, config, rng)
    linear = _random_linear(settings, rng)
    return _Plan(case, graft, centre, linear, bends=rng.random() < settings.p_elastic)


def _draw_sample(
    cases: Cases, config: Config, whole: bool, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Image and tissue (1, ..., D, H, W), float32."""
    settings = config.augmentation
    shape = config.whole if whole else config.patch
    plan = _plan(cases, config, whole, rng)
    (case, box), *donors = plan.reads(cases, shape)
    own_image, own_tissue = cases.crop(case, box)
    bend = _bend(settings, shape, cases.device, rng) if plan.bends else None
    centre = plan.centre - [side.start for side in box]
    image, tissue = _sampled(own_image, own_tissue, plan.linear, centre, shape, bend)
    if plan.graft is not None:
        donor_image, donor_tissue = cases.crop(*donors[0])
        donor = matched(donor_image, donor_tissue, own_image, own_tissue)
        linear, place = plan.graft.linear @ plan.linear, plan.graft.in_donor(plan.centre)
        image, tissue = paste(image, tissue, *_sampled(donor, donor_tissue, linear, place, shape, bend))
    if cases.tumor_points[case] and rng.random() < settings.p_cavity:
        point = _tumor_point(cases, case, rng)
        middle = np.linalg.solve(plan.linear, point - plan.centre) + _middle(shape)
        radii = rng.uniform(*settings.cavity_voxels, size=3)
        holed = with_cavity(image[0], tissue[0], middle.tolist(), radii.tolist())
        image, tissue = (x[None] for x in holed)
    return image, tissue


def _box_of(plan: _Plan, shape: Size, case: Size) -> Box:
    """The voxels of a case that a sample interpolates between; where it lies beside the case, the nearest ones."""
    reach = np.abs(plan.linear) @ _middle(shape)
    first = np.floor(plan.centre - reach).astype(int) - 1
    last = np.ceil(plan.centre + reach).astype(int) + 2
    d, h, w = (
        slice(min(max(low, 0), side - 2), max(min(high, side), 2))
        for low, high, side in zip(first.tolist(), last.tolist(), case, strict=True)
    )
    return d, h, w


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


def _patch_centre(cases: Cases, case: int, config: Config, rng: np.random.Generator) -> NDArray[np.float64]:
    """A point of the tumour, of each label equally often, or any point; the patch stays within the case."""
    if cases.tumor_points[case] and rng.random() < config.p_tumor:
        return _centre_around(_tumor_point(cases, case, rng), cases, case, config.patch)
    shape, patch = np.asarray(cases.shapes[case]), np.asarray(config.patch)
    start = rng.integers(0, np.maximum(shape - patch, 0) + 1)
    return _centre_around(start + patch // 2, cases, case, config.patch)


def _tumor_point(cases: Cases, case: int, rng: np.random.Generator) -> NDArray[np.int64]:
    of_label = cases.tumor_points[case][rng.integers(len(cases.tumor_points[case]))]
    return of_label[rng.integers(len(of_label))]


def _centre_around(point: NDArray[np.int64], cases: Cases, case: int, patch: Size) -> NDArray[np.float64]:
    """The middle of the patch around a voxel, moved to lie within the case."""
    shape, size = np.asarray(cases.shapes[case]), np.asarray(patch)
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


def _bend(settings: Augmentation, shape: Size, device: torch.device, rng: np.random.Generator) -> Tensor:
    """Displacements (3, D, H, W) of a sample's voxels along d, h, w, in voxels."""
    sigma = rng.uniform(*settings.elastic_sigma_voxels)
    return displacement_field(shape, sigma, device, rng) * rng.uniform(*settings.elastic_deviation_voxels)
