"""A case and a model small enough for a second: a ball of 26 mm in four contrasts, and random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from SegMambaCore.case.case import ROLES
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.network.build import build_network

SIZE = (40, 36, 34)
"""Voxels along i, j, k."""


def write_tiny_case(folder: Path) -> dict[str, Path]:
    """Write the four volumes under BraTS names, oblique, and return them by role."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    k, j, i = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in SIZE[::-1]), indexing="ij")
    ball = (k**2 + j**2 + i**2) < 13**2
    tumor = ((k - 4) ** 2 + (j + 3) ** 2 + i**2) < 6**2
    paths = {}
    for number, role in enumerate(ROLES):
        image = sitk.GetImageFromArray(
            (ball * (200 + 40 * number + 100 * tumor * (number + 1) + rng.normal(0, 5, ball.shape))).astype(
                np.float32
            )
        )
        angle = np.deg2rad(10)
        image.SetDirection((np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1))
        image.SetOrigin((-20.0, 11.0, 5.0))
        paths[role] = folder / f"Tiny-{role}.nii.gz"
        sitk.WriteImage(image, str(paths[role]))
    return paths


def write_tiny_model(path: Path, channels: tuple[str, ...] = ROLES) -> Path:
    """Write `small` with random weights as a model file."""
    torch.manual_seed(0)
    spec = ModelSpec(
        name=path.stem,
        network="small",
        channels=channels,
        spacing=(1.0, 1.0, 1.0),
        orientation="LPS",
        normalisation="zscore_brain",
        activation="sigmoid",
        outputs=("WT", "TC", "ET"),
        patch=(32, 32, 32),
    )
    write_model(build_network("small", len(channels), 3), spec, path)
    return path
