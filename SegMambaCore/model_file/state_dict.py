"""Whether tensors by name are exactly those of a network."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

NAMES_SHOWN = 3
"""How many of the differing names a message lists; the rest is a count."""


def difference(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """Say in one line which found tensors are missing, unknown or of a wrong shape; "" when none is."""
    missing = [name for name in expected if name not in found]
    unknown = sorted(set(found) - set(expected))  # a safetensors file keeps no order of its own
    misshapen = [
        f"{name} is {_shape(found[name])}, not {_shape(expected[name])}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    parts = [("missing", missing), ("unknown", unknown), ("wrong shape", misshapen)]
    return "; ".join(f"{len(names)} {title} ({_some(names)})" for title, names in parts if names)


def _some(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(length) for length in tensor.shape) or "a single number"
