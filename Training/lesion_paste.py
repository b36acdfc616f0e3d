"""A tumour of one patient in the brain of another, cut out and blended on the device.

After CarveMix (Zhang et al., MICCAI 2021) and TumorCP (Yang et al., MICCAI 2021), but the lesion stays
about where it was in the head, as all brains lie in one atlas, and is turned, scaled and mirrored on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from Training.cases import Cases

_JITTER_VOXELS = 10.0
_MARGIN_VOXELS = 2
_FIRST_TUMOR = 2  # of `Cases.crop`
_BRAIN = 1


@dataclass(frozen=True)
class Graft:
    """A lesion on its way into another case.

    donor: the case it comes from. point: (3,) a voxel of it there. place: (3,) where that voxel comes to lie.
    linear: 3 x 3, from steps of the case that receives it to steps of the donor.
    """

    donor: int
    point: NDArray[np.float64]
    place: NDArray[np.float64]
    linear: NDArray[np.float64]

    def in_donor(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where a position (3,) of the receiving case lies in the donor."""
        return self.point + self.linear @ (position - self.place)


def draw_graft(
    cases: Cases, case: int, linear: NDArray[np.float64], rng: np.random.Generator
) -> Graft | None:
    """Choose a lesion of another case and a place for it; None where no other case has a tumour."""
    donors = [other for other in range(len(cases)) if other != case and cases.tumor_points[other]]
    if not donors:
        return None
    donor = donors[rng.integers(len(donors))]
    of_label = cases.tumor_points[donor][rng.integers(len(cases.tumor_points[donor]))]
    point = of_label[rng.integers(len(of_label))].astype(np.float64)
    middles = [(np.asarray(cases.shapes[n], dtype=np.float64) - 1) / 2 for n in (case, donor)]
    side = np.array([1.0, 1.0, rng.choice((-1.0, 1.0))])  # in either hemisphere
    place = middles[0] + (point - middles[1]) * side + rng.uniform(-_JITTER_VOXELS, _JITTER_VOXELS, size=3)
    return Graft(donor, point, np.clip(place, 0, np.asarray(cases.shapes[case]) - 1.0), linear)


def matched(donor: Tensor, donor_tissue: Tensor, image: Tensor, tissue: Tensor) -> Tensor:
    """Return the donor's image with mean and deviation over healthy brain as the other image has them.

    (C, D, H, W) and (1, D, H, W), the two of different sizes. A z-score is over brain with tumour, so a large tumour
    moves that of all healthy tissue.
    """
    (mean, deviation), (new_mean, new_deviation) = (
        _healthy_statistics(x, t) for x, t in ((donor, donor_tissue), (image, tissue))
    )
    return (donor - mean) * (new_deviation / deviation) + new_mean


def paste(image: Tensor, tissue: Tensor, donor: Tensor, donor_tissue: Tensor) -> tuple[Tensor, Tensor]:
    """Return image and tissue with the donor's tumour in them.

    image, donor: (B, C, D, H, W) on one grid; tissue, donor_tissue: as in `Cases.crop`, (B, 1, D, H, W), any type.
    The donor's tumour voxels are taken whole wherever both show brain; around them the two blend within a few voxels,
    and tumour that was there loses its label where the donor's healthy brain prevails.
    """
    both = (tissue >= _BRAIN) & (donor_tissue >= _BRAIN)
    lesion = (donor_tissue >= _FIRST_TUMOR) & both
    size = 2 * _MARGIN_VOXELS + 1
    wide = F.max_pool3d(lesion.float(), size, stride=1, padding=_MARGIN_VOXELS)
    soft = F.avg_pool3d(wide, size, stride=1, padding=_MARGIN_VOXELS, count_include_pad=False)
    weight = torch.where(lesion, torch.ones_like(soft), soft * both)
    pasted = torch.lerp(image, donor.to(image.dtype), weight)
    return pasted, torch.where(weight > 0.5, donor_tissue.to(tissue.dtype), tissue)


def _healthy_statistics(image: Tensor, tissue: Tensor) -> tuple[Tensor, Tensor]:
    healthy = tissue == _BRAIN
    count = healthy.sum().clamp(min=1)
    mean = (image * healthy).sum(dim=(1, 2, 3), keepdim=True) / count
    variance = ((image - mean).square() * healthy).sum(dim=(1, 2, 3), keepdim=True) / count
    return mean, variance.clamp(min=1e-4).sqrt()
