"""The training cases, wherever they fit: on the GPU, in the host's memory, or on the disk."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.bounding_box import Box
from Training.case_pack import CasePack, PackFile, pack_path
from Training.case_store import CaseStore, Read
from Training.config import Size
from Training.disk_cases import DiskCases

_SHARE_OF_MEMORY = 0.5
"""Of what is free at most; the rest is for the training."""

_MOST_READERS = 8


class Cases(Protocol):
    """Cases of which boxes can be had as tensors.

    device: where these come to lie. where: where the cases are meanwhile, for people.
    shapes: (D, H, W) of each case. tumor_points: for each case and each label that it has, (n, 3) voxel positions.
    """

    device: torch.device
    where: str
    shapes: list[Size]
    tumor_points: list[tuple[NDArray, ...]]

    def __len__(self) -> int: ...

    def crop(self, case: int, box: Box) -> tuple[Tensor, Tensor]:
        """Return z-scores, float32 (channels, d, h, w), background 0; and tissue, uint8 (1, d, h, w).

        Tissue is the labels plus 1 within the brain, `NOT_BRAIN` outside of it.
        """

    def expect(self, reads: Iterable[Read]) -> None:
        """Hear what `crop` will be asked for, in this order; it may be endless."""


def open_cases(folder: Path, names: Sequence[str], device: torch.device) -> Cases:
    """Return the named cases on the device if they take half of its free memory or less, else where they fit.

    Raises SegMambaError naming a case whose pack is missing or damaged.
    """
    if not names:
        raise SegMambaError(f"{folder}: holds no packs to train on. Run Training/prepare.py first.")
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    in_host = _SHARE_OF_MEMORY * psutil.virtual_memory().available / processes
    on_device = _SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else in_host
    size = sum(_bytes_of(folder, name) for name in names)
    if size <= on_device or size <= in_host:
        return CaseStore(_read_all(folder, names), device, on_device=size <= on_device)
    readers = min(_MOST_READERS, max(1, (os.cpu_count() or 1) // processes - 1))
    return DiskCases(folder, names, device, readers)


def whole_box(shape: Sequence[int]) -> Box:
    """Return the box that holds all of a case."""
    d, h, w = shape
    return slice(0, d), slice(0, h), slice(0, w)


def _bytes_of(folder: Path, name: str) -> int:
    head = PackFile(pack_path(folder, name)).head
    return math.prod(head.shape) * (len(head.low) + 1)


def _read_all(folder: Path, names: Sequence[str]) -> Iterator[CasePack]:
    is_quiet = os.environ.get("RANK", "0") != "0"
    for name in tqdm(names, desc="Reading packs", unit="case", delay=2, disable=is_quiet):
        yield PackFile(pack_path(folder, name)).read()
