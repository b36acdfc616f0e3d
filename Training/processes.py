"""One process or many, on one machine or several: who this one is, and what they tell each other.

`torchrun` starts the processes; Lightning Fabric finds them, gives each its GPU and joins them. Gradients are averaged
between the recorded step and the optimizer, all at once, so that several GPUs replay the same CUDA graphs as one does.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, distributed

from SegMambaCore.errors import SegMambaError

T = TypeVar("T")


class Processes:
    """This process among those that train together.

    number: of this process, from 0. count: of all. device: where this one computes.
    """

    def __init__(self, started: float) -> None:
        """started: on the scale of `time.monotonic`; the first process' clock is everybody's."""
        self._started = started
        cuda = torch.cuda.is_available()
        if distributed.is_torchelastic_launched():
            local = int(os.environ["LOCAL_WORLD_SIZE"])
            self._fabric = Fabric(
                accelerator="cuda" if cuda else "cpu",
                devices=local,
                num_nodes=int(os.environ["WORLD_SIZE"]) // local,
                strategy=DDPStrategy(process_group_backend="cpu:gloo,cuda:nccl" if cuda else "gloo"),
            )
        else:
            self._fabric = Fabric(accelerator="cuda" if cuda else "cpu", devices=1)
        self._fabric.launch()
        self.number, self.count = self._fabric.global_rank, self._fabric.world_size
        self.device = self._fabric.device
        self._buffer = torch.empty(0)

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.number == 0

    def share_of(self, batches: int) -> range:
        """Return which of a step's batches are this process' own.

        Raises SegMambaError when they cannot be shared out evenly.
        """
        own, rest = divmod(batches, self.count)
        if rest or not own:
            raise SegMambaError(
                f"batches_per_step: {batches} cannot be shared by {self.count} processes. Set it to a multiple "
                f"of {self.count}; it is how many batches move the weights together."
            )
        return range(self.number * own, (self.number + 1) * own)

    def say(self, message: str) -> None:
        """Print a line, once for all processes."""
        if self.is_first:
            print(message, flush=True)

    def now(self) -> float:
        """Return the seconds since the first process started: the same number in all, whose decisions follow it."""
        elapsed = torch.tensor([time.monotonic() - self._started], dtype=torch.float64)
        if self.count > 1:
            distributed.broadcast(elapsed, src=0)
        return elapsed.item()

    def average(self, gradients: Sequence[Tensor]) -> None:
        """Replace gradients by their means over all processes."""
        if self.count == 1:
            return
        if not self._buffer.numel():
            self._buffer = gradients[0].new_empty(sum(gradient.numel() for gradient in gradients))
        parts = self._buffer.split([gradient.numel() for gradient in gradients])
        # Each part in its gradient's own order in memory, so that the copies are plain ones.
        views = [part.as_strided(g.size(), g.stride()) for part, g in zip(parts, gradients, strict=True)]
        torch._foreach_copy_(views, list(gradients))
        # Fabric's own all_reduce would let the host wait first.
        distributed.all_reduce(self._buffer)
        self._buffer /= self.count
        torch._foreach_copy_(list(gradients), views)

    def mean(self, values: Tensor) -> Tensor:
        """Return the means over all processes."""
        if self.count == 1:
            return values
        mean = values / self.count
        distributed.all_reduce(mean)
        return mean

    def gathered(self, value: T) -> list[T]:
        """Return everybody's value, by number of process, to the first process; the others get an empty list."""
        if self.count == 1:
            return [value]
        packed = [b""] * self.count if self.is_first else None
        distributed.gather_object(_packed(value), packed)
        return [_unpacked(content) for content in packed or []]

    def told(self, value: T | None) -> T | None:
        """Return what the first process passed here."""
        return value if self.count == 1 else _unpacked(self._fabric.broadcast(_packed(value)))


def _packed(value: object) -> bytes:
    """What a checkpoint may hold, as PyTorch writes it: its tensors do not survive Python's own pickle everywhere."""
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


def _unpacked(content: bytes) -> Any:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
