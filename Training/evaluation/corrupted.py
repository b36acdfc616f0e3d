"""A case as it should not be: every corruption by name, the same for every model."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from SegMambaCore.case.case import ROLE_TITLES, ROLES
from Training.anatomy import HEAD_VOXELS, with_cavity, with_head
from Training.brain_intensities import standardised
from Training.case_pack import CasePack
from Training.clinical import (
    SWAPS,
    Change,
    acquired_worse,
    drop_contrasts,
    swap,
    without_enhancement,
)
from Training.corruptions import apply_bias_field, bend_intensities, move_during_scan, thicken_slices
from Training.randomness import normal

_SIDE_MULTIPLE = 16
_NOISE = 0.5  # standard deviations of the brain
_BIAS = 0.3
_MOTION_VOXELS = 3
_SLICE_VOXELS = 5.0
_CAVITY_RADIUS = 15.0


@dataclass(frozen=True)
class Sample:
    """image: float32 z-scores (4, D, H, W), channels in the order of ROLES, 0 outside the brain.
    labels: uint8 (D, H, W), 0 none, 1 NCR, 2 ED, 3 ET.
    """

    image: Tensor
    labels: Tensor

    @property
    def brain(self) -> Tensor:
        """Bool (1, D, H, W): where any channel shows something."""
        return (self.image != 0).any(dim=0, keepdim=True)


Corruption = Callable[[Sample, np.random.Generator], Sample]


def sample_of(pack: CasePack) -> Sample:
    """Return a case as it is."""
    return Sample(torch.from_numpy(pack.tensor()), torch.from_numpy(pack.labels))


def corrupted(sample: Sample, name: str, case: str) -> Sample:
    """Return the sample with a corruption of `CORRUPTIONS`; its random numbers depend on the case alone."""
    return CORRUPTIONS[name](sample, np.random.default_rng(zlib.crc32(case.encode())))


def _on_image(change: Callable[[Tensor], Tensor]) -> Corruption:
    return lambda sample, _: Sample(change(sample.image), sample.labels)


def _missing(roles: Sequence[str]) -> Corruption:
    channels = [ROLES.index(role) for role in roles]
    return _on_image(lambda image: drop_contrasts(image, channels))


def _swapped(pair: tuple[str, str]) -> Corruption:
    return _on_image(lambda image: swap(image, pair))


def _worse(draw: Callable[[Tensor, np.random.Generator], Change]) -> Corruption:
    """Every channel acquired worse; draw: from brain (D, H, W) and generator to a channel's change."""

    def corrupt(sample: Sample, rng: np.random.Generator) -> Sample:
        brain = sample.brain
        changes = [[draw(brain[0], rng)] for _ in ROLES]
        return Sample(acquired_worse(sample.image, brain, changes), sample.labels)

    return corrupt


def _bias_field(_brain: Tensor, rng: np.random.Generator) -> Change:
    coefficients = rng.uniform(-_BIAS, _BIAS, size=(4, 4, 4))
    coefficients[np.indices(coefficients.shape).sum(axis=0) > 3] = 0
    return lambda channel: apply_bias_field(channel, coefficients)


def _motion(_brain: Tensor, rng: np.random.Generator) -> Change:
    d, h, w = (rng.choice((-1, 1), size=3) * _MOTION_VOXELS).tolist()
    return lambda channel: move_during_scan(channel, (d, h, w), 1, 0.3, 0.4)


def _thick_slices(brain: Tensor, _rng: np.random.Generator) -> Change:
    return lambda channel: thicken_slices(channel, brain, _SLICE_VOXELS, 0)


def _other_contrast(_brain: Tensor, rng: np.random.Generator) -> Change:
    share = float(rng.integers(2))
    return lambda channel: bend_intensities(channel, 2.0, 2.0, share)


def _noise(sample: Sample, rng: np.random.Generator) -> Sample:
    noisy = sample.image + normal(sample.image.shape, sample.image.device, rng) * _NOISE
    return Sample(standardised(noisy, sample.brain), sample.labels)


def _skull(sample: Sample, rng: np.random.Generator) -> Sample:
    margin = -(-HEAD_VOXELS // _SIDE_MULTIPLE) * _SIDE_MULTIPLE
    image, labels = (F.pad(x, (margin,) * 6) for x in (sample.image, sample.labels))
    brain = F.pad(sample.brain, (margin,) * 6)
    head, _ = with_head(image, brain, rng)
    return Sample(head, labels)


def _cavity(sample: Sample, rng: np.random.Generator) -> Sample:
    """Around a voxel of the core, or of the tumour where there is none: what a surgeon takes out."""
    core = (sample.labels == 1) | (sample.labels == 3)
    voxels = torch.nonzero(core if core.any() else sample.labels > 0)
    if len(voxels) == 0:
        return sample
    centre = voxels[int(rng.integers(len(voxels)))].tolist()
    tissue = torch.where(sample.brain, sample.labels[None] + 1, 0)
    image, tissue = with_cavity(sample.image, tissue, centre, (_CAVITY_RADIUS,) * 3)
    return Sample(standardised(image, tissue > 0), (tissue[0].int() - 1).clamp(min=0).to(torch.uint8))


def missing_name(roles: Sequence[str]) -> str:
    """Return the corruption in which these roles, in the order of ROLES, are missing."""
    return f"{_title(roles)} missing"


def _title(roles: Sequence[str]) -> str:
    return " and ".join(ROLE_TITLES[role] for role in roles)


CORRUPTIONS: dict[str, Corruption] = {
    "none": lambda sample, _: sample,
    **{missing_name(roles): _missing(roles) for count in (1, 2) for roles in combinations(ROLES, count)},
    **{f"{_title(pair)} swapped": _swapped(pair) for pair in SWAPS},
    "no contrast agent": _on_image(without_enhancement),
    "skull left on": _skull,
    "bias field": _worse(_bias_field),
    "noise": _noise,
    "motion": _worse(_motion),
    "5 mm slices": _worse(_thick_slices),
    "other contrasts": _worse(_other_contrast),
    "resection cavity": _cavity,
}
"""All channels suffer, but where the name says otherwise. Voxels are taken for 1 mm."""
