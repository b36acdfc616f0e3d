"""Other networks for the same task, as their authors publish them, to measure beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from torch import nn

PEERS = ("segresnet-16", "segresnet-32", "swin-unetr", "mednext-b", "resenc-m")
"""Names in Training/networks/registry.py."""

BASELINE = "SegResNet, 16 filters"
"""The title there of what the others are compared with."""


def make_peers(missing: dict[str, str], outputs: int = 4) -> Iterator[tuple[str, nn.Module]]:
    """Yield each peer with four channels in, one after another; they do not fit into memory together.

    missing: takes the names of those that cannot be imported or built here, with the reason.
    """
    try:
        # Part of the repository, not of an installation: nobody who segments needs them.
        networks = import_module("Training.networks.registry").NETWORKS
    except ImportError as error:
        reason = (
            f"other networks are measured from a checkout of the repository, which holds Training/ ({error})"
        )
        missing.update(dict.fromkeys(PEERS, reason))
        return
    for name in PEERS:
        entry = networks[name]
        try:
            network = entry.build(4, outputs)
        except Exception as error:  # a package made for another torch fails with any type of error
            missing[entry.title] = str(error).splitlines()[0]
            continue
        yield entry.title, network
