"""The optimizer, and the step that it takes unless a gradient is not finite."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from Training.config import Config


def make_optimizer(network: nn.Module, config: Config) -> torch.optim.Optimizer:
    """Weight decay for the matrices and kernels alone, not for biases nor for the state space's A and D."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    decayed = [p for name, p in named if p.ndim > 1 and not name.endswith("_log")]
    free = [p for name, p in named if p.ndim <= 1 or name.endswith("_log")]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": free, "weight_decay": 0.0}]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    optimizer = torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.99, nesterov=True, fused=True)
    for parameter in (*decayed, *free):
        # Otherwise a skipped first step would leave this memory as it was found.
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step have this rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def guarded_step(network: nn.Module, optimizer: torch.optim.Optimizer, gradient_clip: float) -> Tensor:
    """Clip the gradients and move the weights; return 1 if no step was taken, 0 otherwise.

    Where a gradient is not finite, weights and the optimizer's memory stay as they are. The host does not
    wait.
    """
    norm = nn.utils.clip_grad_norm_(network.parameters(), gradient_clip)
    skipped = (~torch.isfinite(norm)).float()
    optimizer.found_inf = skipped  # type: ignore[attr-defined]  # read by the fused optimizers
    optimizer.step()
    return skipped
