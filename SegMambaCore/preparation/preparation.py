"""What was done to a case before the network sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.case import Case
from SegMambaCore.volume.volume import Volume


@dataclass(frozen=True)
class Motion:
    """Where a sequence was moved to.

    matrix: 4 x 4 float64, rigid, RAS mm, from where the volume lay to where it lies on the reference.
    millimetres: by how much it moved the head, mean over the head.
    is_doubtful: another place fitted nearly as well, or little is shared.
    """

    matrix: NDArray[np.float64]
    millimetres: float
    is_doubtful: bool = False


@dataclass(frozen=True)
class Brain:
    """mask: uint8, 1 in the brain, on a grid of its own in the reference's world. roles: where it was found.

    was_given: that volume came without a skull.
    """

    mask: Volume
    roles: tuple[str, ...]
    was_given: bool = False

    @property
    def volume_ml(self) -> float:
        """Millilitres of the mask."""
        return int(np.count_nonzero(self.mask.array)) * self.mask.grid.voxel_volume_ml


@dataclass(frozen=True)
class Preparation:
    """A case made ready for `prepare_case`, and how.

    case: each volume with its voxels as they were read; the affine of one that was registered is `matrix @ affine`
        of the one that was read. The reference volume never moves, so the result lies on it as it was loaded.
    motions: by role, of those that were registered.
    for_network: the same with the coil's uneven brightness taken out; None where nothing was to be done.
    brain: None where the skull had been removed from all volumes, or nothing was to be done.
    warnings: sentences for the report.
    """

    case: Case
    motions: dict[str, Motion] = field(default_factory=dict)
    brain: Brain | None = None
    warnings: tuple[str, ...] = ()
    for_network: Case | None = None

    @property
    def brain_mask(self) -> Volume | None:
        """The brain's mask, for `prepare_case`."""
        return None if self.brain is None else self.brain.mask
