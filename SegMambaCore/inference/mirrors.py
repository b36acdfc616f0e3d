"""Reflected copies of the input whose logits are averaged (test-time augmentation)."""

from __future__ import annotations

from itertools import chain, combinations

from SegMambaCore.inference.settings import Mirror

SPATIAL_AXES = (2, 3, 4)
"""The axes D, H, W of a (batch, channels, D, H, W) tensor."""


def mirror_axes(mirror: Mirror, orientation: str) -> list[tuple[int, ...]]:
    """Return, for each pass, the axes of a (B, C, D, H, W) tensor to flip before it and back after it.

    The first pass is the unflipped one. orientation: the anatomical directions of the array's i, j, k axes,
    "LPS" for instance; the tensor's (D, H, W) are (k, j, i), so i is the last axis.
    Raises ValueError when mirror is "auto" or the orientation has no left-right axis.
    """
    if mirror == "none":
        return [()]
    if mirror == "leftright":
        return [(), (_left_right_axis(orientation),)]
    if mirror == "all":
        return list(chain.from_iterable(combinations(SPATIAL_AXES, n) for n in range(len(SPATIAL_AXES) + 1)))
    raise ValueError(f"Mirror {mirror!r} has to be resolved first.")


def _left_right_axis(orientation: str) -> int:
    for position, direction in enumerate(orientation):
        if direction in "LR":
            return SPATIAL_AXES[2 - position]
    raise ValueError(f"Orientation {orientation!r} has no left-right axis.")
