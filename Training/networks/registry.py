"""Every network by name, so that one configuration, one training and one evaluation serve them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Literal, get_args

from torch import nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.network.build import build_network as build_segmamba

NetworkName = Literal[
    "tom",
    "paper",
    "small",
    "dynunet",
    "segresnet-16",
    "segresnet-32",
    "unetr",
    "swin-unetr",
    "swin-unetr-v2",
    "mednext-s",
    "mednext-b",
    "mednext-m",
    "mednext-l",
    "ux-net",
    "nnformer",
    "transbts",
    "resenc-m",
]

NETWORK_NAMES: tuple[str, ...] = get_args(NetworkName)


@dataclass(frozen=True)
class Entry:
    """A network of the comparison.

    title: what tables call it. source: where it comes from.
    build: from the numbers of input channels and outputs to an initialised network, whose forward takes
        (B, in_channels, D, H, W) of any size and returns logits (B, out_channels, D, H, W).
    """

    title: str
    source: str
    build: Callable[[int, int], nn.Module]


def _rival(title: str, source: str, module: str, function: str, **settings: object) -> Entry:
    """The entry of a network in a module of this package, which is imported when one is built: MONAI takes seconds."""

    def build(in_channels: int, out_channels: int) -> nn.Module:
        try:
            make = getattr(import_module(f"Training.networks.{module}"), function)
        except ImportError as error:
            raise SegMambaError(
                f"The network {title} needs a package that is not installed ({error}).\n"
                "Install what comparisons need: pip install '.[training]'"
            ) from error
        return make(in_channels, out_channels, **settings)

    return Entry(title, source, build)


_MONAI, _NNUNET, _HERE = "MONAI", "dynamic-network-architectures", "written here"

NETWORKS: dict[NetworkName, Entry] = {
    "tom": Entry("SegMamba (public code)", "SegMambaCore", partial(build_segmamba, "tom")),
    "paper": Entry("SegMamba (paper)", "SegMambaCore", partial(build_segmamba, "paper")),
    "small": Entry("SegMamba (small)", "SegMambaCore", partial(build_segmamba, "small")),
    "dynunet": _rival("DynUNet (nnU-Net)", _MONAI, "dynunet", "dynunet"),
    "segresnet-16": _rival("SegResNet, 16 filters", _MONAI, "segresnet", "segresnet", init_filters=16),
    "segresnet-32": _rival("SegResNet, 32 filters", _MONAI, "segresnet", "segresnet", init_filters=32),
    "unetr": _rival("UNETR", _MONAI, "unetr", "unetr"),
    "swin-unetr": _rival("SwinUNETR", _MONAI, "swin_unetr", "swin_unetr", version=1),
    "swin-unetr-v2": _rival("SwinUNETR-V2", _MONAI, "swin_unetr", "swin_unetr", version=2),
    "mednext-s": _rival("MedNeXt-S", _MONAI, "mednext", "mednext", size="S"),
    "mednext-b": _rival("MedNeXt-B", _MONAI, "mednext", "mednext", size="B"),
    "mednext-m": _rival("MedNeXt-M", _MONAI, "mednext", "mednext", size="M"),
    "mednext-l": _rival("MedNeXt-L", _MONAI, "mednext", "mednext", size="L"),
    "ux-net": _rival("3D UX-Net", _HERE, "ux_net", "ux_net"),
    "nnformer": _rival("nnFormer", _HERE, "nnformer", "nnformer"),
    "transbts": _rival("TransBTS", _HERE, "transbts", "transbts"),
    "resenc-m": _rival("nnU-Net ResEnc M", _NNUNET, "resenc", "resenc_m"),
}


def build_network(name: str, in_channels: int = 4, out_channels: int = 4) -> nn.Module:
    """Return an initialised network.

    Raises ValueError for a name that is not in NETWORKS, SegMambaError when its package is not installed.
    """
    for known, entry in NETWORKS.items():
        if known == name:
            return entry.build(in_channels, out_channels)
    raise ValueError(f"there is no network '{name}'; there are {', '.join(NETWORKS)}")
