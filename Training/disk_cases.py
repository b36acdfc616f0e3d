"""Cases that stay on the disk: processes read the boxes that the coming samples need, ahead of the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import tee
from pathlib import Path
from typing import Union

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.bounding_box import Box
from Training.case_pack import PackFile, pack_path
from Training.case_store import Read, ranges_of, tissue_of, z_scores

_AHEAD = 4
"""Boxes that each process has ready, or is at."""


class DiskCases:
    """Any number of cases, of which each process that reads holds a few boxes in memory; see `Cases`."""

    def __init__(self, folder: Path, names: Sequence[str], device: torch.device, workers: int) -> None:
        """Read the heads. workers: processes that read ahead, 0 for none.

        Raises SegMambaError naming a pack that is missing or damaged.
        """
        self.device = device
        self.where = "on the disk"
        self._boxes = _Boxes([pack_path(folder, name) for name in names])
        heads = [self._boxes.file(number).head for number in range(len(names))]
        self.shapes = [head.shape for head in heads]
        self.tumor_points = [head.tumor_points for head in heads]
        self._ranges = [ranges_of(head.low, head.step, device) for head in heads]
        self._workers = workers
        self._coming: Iterator[Read] = iter(())
        self._loaded: Iterator[_Loaded] = iter(())
        self._next: Read | None = None

    def __len__(self) -> int:
        return len(self.shapes)

    def expect(self, reads: Iterable[Read]) -> None:
        """Begin to read what `crop` will be asked for, in this order; it may be endless."""
        if not self._workers:
            return
        self._coming, ordered = tee(reads)
        loader = DataLoader(
            self._boxes,
            batch_size=None,
            sampler=ordered,
            num_workers=self._workers,
            prefetch_factor=_AHEAD,
            pin_memory=self.device.type == "cuda",
            # A fork of a process that runs Blosc2's threads can hang.
            multiprocessing_context="spawn",
        )
        self._loaded = iter(loader)
        self._next = next(self._coming, None)

    def crop(self, case: int, box: Box) -> tuple[Tensor, Tensor]:
        """See `Cases`. What nobody expected is read while the caller waits.

        Raises SegMambaError when the pack is damaged, or the processes that read were ended.
        """
        if (case, box) == self._next:
            try:
                loaded = next(self._loaded)
            except RuntimeError as error:
                raise SegMambaError(
                    f"A process that reads packs was ended ({error}). For want of memory? Try fewer cores."
                ) from error
            self._next = next(self._coming, None)
        else:
            loaded = self._boxes[case, box]
        if isinstance(loaded, SegMambaError):
            raise loaded
        codes, tissue = (values.to(self.device, non_blocking=True) for values in loaded)
        return z_scores(codes, *self._ranges[case]), tissue


_Loaded = Union[tuple[Tensor, Tensor], SegMambaError]  # noqa: UP007  # Python 3.10 evaluates it
"""Codes and tissue; or what is wrong with the pack, as DataLoader would put its own words around an exception."""


class _Boxes(Dataset):
    """What the processes get: where the packs lie."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __getitem__(self, read: Read) -> _Loaded:
        case, box = read
        try:
            codes, labels = self.file(case).crop(box)
        except SegMambaError as error:
            return error
        return torch.from_numpy(codes), torch.from_numpy(tissue_of(codes, labels)[None])

    def file(self, case: int) -> PackFile:
        """The pack of a case, opened once a process."""
        return _opened(self._paths[case])


@cache
def _opened(path: Path) -> PackFile:
    return PackFile(path)
