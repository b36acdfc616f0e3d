"""All training cases in memory, as near to the GPU as they fit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SegMambaCore.errors import SegMambaError
from Training.case_pack import CasePack, pack_path, read_pack

NOT_BRAIN = 0
"""In `CaseStore.tissue`; 1 is brain without tumour, 2 NCR, 3 ED, 4 ET."""

_SHARE_OF_GPU = 0.5
"""Of the GPU's free memory at most; the rest is for the training."""


class CaseStore:
    """Cases in the memory of the GPU, one byte a voxel and channel; where that is too small, in that of the host.

    device: where images and tissues come to lie. shapes: (D, H, W) of each case.
    tumor_points: for each case and each label that it has, (n, 3) voxel positions, see `PackHead`.
    """

    def __init__(self, packs: Sequence[CasePack], device: torch.device) -> None:
        """Take over the packs: about 25 MB a case."""
        self.device = device
        self.shapes = [pack.labels.shape for pack in packs]
        self.tumor_points = [pack.head.tumor_points for pack in packs]
        size = sum(pack.codes.nbytes + pack.labels.nbytes for pack in packs)
        self.on_device = device.type != "cuda" or size < _SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0]
        self._codes = [self._held(pack.codes) for pack in packs]
        self._tissues = [self._held(tissue_of(pack.codes, pack.labels)[None]) for pack in packs]
        self._ranges = [
            [
                torch.from_numpy(values)[:, None, None, None].to(device)
                for values in (pack.head.low, pack.head.step)
            ]
            for pack in packs
        ]

    def __len__(self) -> int:
        return len(self.shapes)

    def image(self, case: int) -> Tensor:
        """Return the z-scores of a case, float32 (channels, D, H, W), background 0."""
        codes = self._codes[case].to(self.device, non_blocking=True)
        low, step = self._ranges[case]
        return torch.where(codes > 0, (codes.float() - 1).mul_(step).add_(low), 0.0)

    def tissue(self, case: int) -> Tensor:
        """Return uint8 (1, D, H, W), the labels plus 1 within the brain and 0 outside of it."""
        return self._tissues[case].to(self.device, non_blocking=True)

    def _held(self, values: NDArray[np.uint8]) -> Tensor:
        tensor = torch.from_numpy(values)
        return tensor.to(self.device) if self.on_device else tensor.pin_memory()


def read_packs(folder: Path, names: Sequence[str]) -> list[CasePack]:
    """Read the packs of the named cases, several at a time.

    Raises SegMambaError naming a case without a pack.
    """
    if missing := [name for name in names if not pack_path(folder, name).exists()]:
        raise SegMambaError(f"{folder}: holds no pack of {missing[0]}. Run Training/prepare.py first.")
    with ThreadPoolExecutor() as pool:
        return list(pool.map(read_pack, (pack_path(folder, name) for name in names)))


def tissue_of(codes: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the labels plus 1 within the brain, and `NOT_BRAIN` where no channel shows anything."""
    return np.where(codes.any(axis=0), labels + np.uint8(1), np.uint8(NOT_BRAIN))
