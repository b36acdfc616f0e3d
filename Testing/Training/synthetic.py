"""Small made-up cases, and a network small enough to train in a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from SegMambaCore.case.prepared import PreparationRecord
from SegMambaCore.volume.volume import Grid
from Training.case_pack import CasePack
from Training.config import Augmentation, Config, Size, read_config
from Training.quantise import pack_case

SHIPPED = Path(__file__).resolve().parents[2] / "Training" / "configs" / "small.yaml"


def brain_tensor(shape: Size, seed: int = 0) -> NDArray[np.float32]:
    """Noise of mean 0 and deviation 1 inside a box, 0 in the two outermost layers: (4, D, H, W)."""
    tensor = np.zeros((4, *shape), dtype=np.float32)
    inside = np.random.default_rng(seed).normal(size=(4, *(side - 4 for side in shape)))
    tensor[:, 2:-2, 2:-2, 2:-2] = inside
    return tensor


def synthetic_pack(name: str, shape: Size = (20, 24, 18), seed: int = 0) -> CasePack:
    """A case with a tumour of all three labels in its brain, bright in every channel."""
    tensor = brain_tensor(shape, seed)
    labels = np.zeros(shape, dtype=np.uint8)
    d, h, w = np.random.default_rng(seed).integers(3, 7, size=3)
    labels[d : d + 8, h : h + 8, w : w + 8] = 2
    labels[d + 2 : d + 6, h + 2 : h + 6, w + 2 : w + 6] = 3
    labels[d + 3 : d + 5, h + 3 : h + 5, w + 3 : w + 5] = 1
    tensor += np.where(tensor != 0, labels, 0)
    return packed(name, tensor.astype(np.float32), labels)


def packed(name: str, tensor: NDArray[np.float32], labels: NDArray[np.uint8]) -> CasePack:
    """The pack of a prepared case on voxels of 1 mm, whose box is all there was."""
    grid = Grid(labels.shape, np.diag([-1.0, -1.0, 1.0, 1.0]))
    return pack_case(
        name,
        tensor,
        labels,
        PreparationRecord(grid, grid, (0, 0, 0), labels.shape),
        mean=np.full(len(tensor), 300, dtype=np.float32),
        deviation=np.full(len(tensor), 60, dtype=np.float32),
        sources={"t1c": "0" * 64},
        data_set="BraTS",
    )


def rarely_changed(settings: Augmentation) -> Augmentation:
    """The same settings with every probability 0."""
    off = {name: 0.0 for name in vars(settings) if name.startswith("p_")}
    return replace(settings, **off)  # type: ignore[arg-type]


def tiny_config(augmented: dict[str, float] | None = None, **changes: object) -> Config:
    """The shipped configuration at sizes for a test, without augmentation but for the one asked for."""
    shipped = read_config(SHIPPED)
    sizes = {"patch": (16, 16, 16), "whole": (16, 32, 16), "warmup_steps": 2, "learning_rate": 1e-2}
    quiet = {"augmentation": replace(rarely_changed(shipped.augmentation), **(augmented or {}))}
    return replace(shipped, **(sizes | quiet | changes))  # type: ignore[arg-type]


def tiny_network(name: str, in_channels: int, out_channels: int) -> nn.Module:
    """Stands in for `build_network`."""
    return nn.Sequential(
        nn.Conv3d(in_channels, 8, 3, padding=1), nn.LeakyReLU(), nn.Conv3d(8, out_channels, 1)
    )
