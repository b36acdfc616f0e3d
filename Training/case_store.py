"""All training cases in the memory of the device."""

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


class CaseStore:
    """Cases padded at their far ends to a common shape, one byte a voxel and channel.

    codes: uint8 (cases, channels, D, H, W), see `CasePack`. low, step: float32 (cases, channels, 1, 1, 1).
    tissue: uint8 (cases, 1, D, H, W), the labels plus 1 within the brain and 0 outside of it.
    shapes: (D, H, W) of each case without padding.
    tumor_points: for each case and each label that it has, (n, 3) voxel positions see `PackHead`.
    """

    def __init__(self, packs: Sequence[CasePack], device: torch.device) -> None:
        """Copy the packs onto the device: about 25 MB a case."""
        self.shapes = [pack.labels.shape for pack in packs]
        depth, height, width = np.max(self.shapes, axis=0).tolist()
        channels = len(packs[0].codes)
        self.codes = torch.zeros(
            (len(packs), channels, depth, height, width), dtype=torch.uint8, device=device
        )
        self.tissue = torch.zeros((len(packs), 1, depth, height, width), dtype=torch.uint8, device=device)
        for n, pack in enumerate(packs):
            d, h, w = pack.labels.shape
            self.codes[n, :, :d, :h, :w] = torch.from_numpy(pack.codes).to(device)
            self.tissue[n, 0, :d, :h, :w] = torch.from_numpy(tissue_of(pack.codes, pack.labels)).to(device)
        affines = (
            torch.from_numpy(np.stack([values for values in column]))
            for column in zip(*((pack.head.low, pack.head.step) for pack in packs), strict=True)
        )
        self.low, self.step = (values[:, :, None, None, None].to(device) for values in affines)
        self.tumor_points = [pack.head.tumor_points for pack in packs]

    def __len__(self) -> int:
        return len(self.shapes)

    def image(self, case: int) -> Tensor:
        """Return the z-scores of a case, float32 (channels, D, H, W), background 0."""
        codes = self.codes[case]
        return torch.where(codes > 0, (codes.float() - 1).mul_(self.step[case]).add_(self.low[case]), 0.0)


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
