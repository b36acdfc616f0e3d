"""A training step's loss and gradients, recorded once as a CUDA graph and then replayed.

A step of a small network is some thousands of short kernels: launched one by one, the host is slower than the GPU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Objective = Callable[[Tensor, Tensor], Tensor]
"""From images and labels to the loss; the gradients of the parameters are then in their `.grad`."""


def zero_gradients(network: nn.Module) -> list[Tensor]:
    """Give each trained parameter a gradient of zeros, which stays in place; return the gradients."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def with_gradients(objective: Objective, share: float = 1.0) -> Objective:
    """Return the objective, followed by its backward pass, which adds `share` of the gradients to those there are."""

    def step(images: Tensor, labels: Tensor) -> Tensor:
        loss = objective(images, labels) * share
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    return step


def captured(step: Objective, images: Tensor, labels: Tensor) -> Objective:
    """Return a function that does what `step` does, for arguments of the same shapes, as one launch.

    The loss that it returns is overwritten by its next call.
    """
    images, labels = images.clone(memory_format=torch.preserve_format), labels.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # convolutions choose their algorithms before the recording
        for _ in range(2):
            step(images, labels)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Only this thread is recorded: NCCL's own looks at its events meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        loss = step(images, labels)

    def replay(new_images: Tensor, new_labels: Tensor) -> Tensor:
        images.copy_(new_images)
        labels.copy_(new_labels)
        graph.replay()
        return loss

    return replay
