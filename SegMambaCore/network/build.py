"""The networks by name."""

from __future__ import annotations

from SegMambaCore.network.segmamba import SegMamba


def build_network(name: str, in_channels: int = 4, out_channels: int = 4) -> SegMamba:
    """Return an initialised network.

    "tom": today's public code, 67,416,196 parameters with four channels in and out. "paper": version 1 of the
    paper, 58,547,956 parameters. "small": the design of "tom" at a third of its widths, for laptops.

    Raises ValueError for another name.
    """
    if name in ("tom", "paper"):
        return SegMamba(name, in_channels, out_channels, widths=(48, 96, 192, 384), hidden=768)
    if name == "small":
        return SegMamba("tom", in_channels, out_channels, widths=(16, 32, 64, 128), hidden=256)
    raise ValueError(f"there is no network '{name}'; there are tom, paper and small")
