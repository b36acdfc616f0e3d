"""All training cases in memory: on the GPU, or in the host's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SegMambaCore.volume.bounding_box import Box
from Training.case_pack import CasePack
from Training.config import Size

NOT_BRAIN = 0
"""In what `tissue_of` returns; 1 is brain without tumour, 2 NCR, 3 ED, 4 ET."""

Read = tuple[int, Box]
"""A case by its number, and the box of it that is wanted."""


class CaseStore:
    """Cases one byte a voxel and channel, and one for the tissue: about 25 MB a case. See `Cases`."""

    def __init__(self, packs: Iterable[CasePack], device: torch.device, *, on_device: bool = True) -> None:
        """Take over the packs, one by one. on_device: else they stay with the host, and are copied when asked for."""
        self.device = device
        self.where = f"in the memory of the {'GPU' if on_device and device.type == 'cuda' else 'host'}"
        self.shapes: list[Size] = []
        self.tumor_points: list[tuple[NDArray, ...]] = []
        self._held: list[tuple[Tensor, Tensor]] = []
        self._ranges: list[tuple[Tensor, Tensor]] = []
        for pack in packs:
            self.shapes.append(pack.head.shape)
            self.tumor_points.append(pack.head.tumor_points)
            codes, tissue = (
                torch.from_numpy(values).to(device) if on_device else torch.from_numpy(values).pin_memory()
                for values in (pack.codes, tissue_of(pack.codes, pack.labels)[None])
            )
            self._held.append((codes, tissue))
            self._ranges.append(ranges_of(pack.head.low, pack.head.step, device))

    def __len__(self) -> int:
        return len(self.shapes)

    def expect(self, reads: Iterable[Read]) -> None:
        """See `Cases`. All is there already."""

    def crop(self, case: int, box: Box) -> tuple[Tensor, Tensor]:
        """See `Cases`."""
        k, j, i = box
        codes, tissue = (values.to(self.device, non_blocking=True)[:, k, j, i] for values in self._held[case])
        return z_scores(codes, *self._ranges[case]), tissue


def tissue_of(codes: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the labels plus 1 within the brain, and `NOT_BRAIN` where no channel shows anything."""
    return np.where(codes.any(axis=0), labels + np.uint8(1), np.uint8(NOT_BRAIN))


def ranges_of(
    low: NDArray[np.float32], step: NDArray[np.float32], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return what `z_scores` needs of a pack's head, on the device."""
    on_device = (torch.from_numpy(values)[:, None, None, None].to(device) for values in (low, step))
    first, second = on_device
    return first, second


def z_scores(codes: Tensor, low: Tensor, step: Tensor) -> Tensor:
    """Return what codes (channels, d, h, w) stand for, see `CasePack`; low, step: (channels, 1, 1, 1)."""
    return torch.where(codes > 0, (codes.float() - 1).mul_(step).add_(low), 0.0)
