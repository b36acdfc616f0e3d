"""How far a single forward pass has come: one pass over a whole crop takes seconds to a minute on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn

TIME_SHARES = {
    "vit.gscs.0": 5.0,
    "vit.stages.0.0.mamba.x_proj_b": 4.0,
    "vit.stages.0.0.mamba.x_proj_s": 4.0,
    "vit.stages.0.0": 4.0,
    "vit.stages.0.1.mamba.x_proj_b": 4.0,
    "vit.stages.0.1.mamba.x_proj_s": 4.0,
    "vit.stages.0.1": 4.0,
    "vit.stages.1.0": 2.0,
    "vit.stages.1.1": 2.0,
    "vit": 2.0,
    "decoder4": 3.0,
    "decoder3": 5.0,
    "encoder1.layer.conv2": 5.0,
    "encoder1": 5.0,
    "decoder2.transp_conv": 3.0,
    "decoder2.conv_block.conv1": 20.0,
    "decoder2.conv_block.conv2": 8.0,
    "decoder2": 7.0,
    "decoder1.layer.conv1": 3.0,
    "decoder1": 5.0,
    "out": 1.0,
}
"""Percent of a pass's time between a module's return and that of the one before it, in the order they return.

Measured with `small` on two cores for 144 x 176 x 144 voxels. All costs grow with the number of voxels, so
other sizes share alike; where a network lacks some of the modules, the others' shares count.
"""


@contextmanager
def watched(network: nn.Module, on_step: Callable[[float], None]) -> Iterator[None]:
    """Call on_step whenever a module inside the network returns, with the share of the pass done, 0 to 1.

    An exception raised by on_step ends the forward pass: this is how a cancel gets through.
    """
    modules = {name: module for name, module in network.named_modules() if name}
    total = sum(share for name, share in TIME_SHARES.items() if name in modules)
    done = 0.0

    def hook_of(share: float) -> Callable[..., None]:
        def hook(*_: object) -> None:
            nonlocal done
            done += share
            on_step(done)

        return hook

    shares = {name: TIME_SHARES.get(name, 0.0) / max(total, 1.0) for name in modules}
    hooks = [module.register_forward_hook(hook_of(shares[name])) for name, module in modules.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
