"""A forward pass recorded once as a CUDA graph and then replayed as one launch.

A pass is about a thousand kernels. Launched one by one, a small network keeps the host busy four times as long as the
GPU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Forward = Callable[[Tensor], Tensor]


class RecordedPass:
    """Replays a forward pass with the input and the output in the same memory every time."""

    def __init__(self, forward: Forward, x: Tensor) -> None:
        """Record. forward: has run on such an input before, so that nothing is compiled or chosen any more.

        x: where the input lies in every pass to come. The memory of a pass stays with the recording; what PyTorch
        keeps for later is given back first, as a recording takes nothing of it.
        Raises RuntimeError when memory runs out or the network does what cannot be recorded.
        """
        self._x = x
        self._graph = torch.cuda.CUDAGraph()
        # The outer context puts the stream back when the recording ends in an error.
        with (
            torch.cuda.device(x.device),
            torch.cuda.stream(torch.cuda.current_stream(x.device)),
            torch.cuda.graph(self._graph, capture_error_mode="thread_local"),
        ):
            self._y = forward(x)

    def takes(self, x: Tensor) -> bool:
        """Whether it was recorded for this very tensor."""
        return x is self._x

    def replay(self) -> Tensor:
        """Queue the pass; the next replay overwrites what is returned."""
        self._graph.replay()
        return self._y
