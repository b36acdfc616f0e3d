"""Brains and heads told apart: real brains where there are any, synthetic heads."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.skull import background_value, looks_skull_stripped
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.volume.bounding_box import bounding_box
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume

_DATA = Path(os.environ.get("SEGMAMBA_DATA", Path(__file__).parents[4] / "shared" / "data"))
_REAL_CASES = sorted(
    path for kind in ("brats", "brats_no_reference", "raw") for path in (_DATA / kind).glob("*/")
)
_STEP_MM = 4.0


def _cut_to_content(volume: Volume) -> Volume:
    box = bounding_box(volume.array != background_value(volume.array))
    assert box is not None
    return Volume(volume.array[box], volume.affine)


def _real(cases: list[Path]) -> None:
    for case in cases:
        for path in find_case_files(case).values():
            volume = read_volume(path)
            assert looks_skull_stripped(volume), path
            assert looks_skull_stripped(_cut_to_content(volume)), path


@pytest.mark.skipif(not _REAL_CASES, reason=f"no real cases in {_DATA}; set SEGMAMBA_DATA")
def test_some_real_brains() -> None:
    _real([_REAL_CASES[0], *(case for case in _REAL_CASES if case.parent.name != "brats")])


@pytest.mark.slow
@pytest.mark.skipif(not _REAL_CASES, reason=f"no real cases in {_DATA}; set SEGMAMBA_DATA")
def test_all_real_brains() -> None:
    _real(_REAL_CASES)


def _brain(seed: int) -> Volume:
    shape = (48, 60, 50)
    affine = np.diag([-_STEP_MM, -_STEP_MM, _STEP_MM, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return make_phantom(seed, shape, affine)[0].volumes["t1n"]


def _head(brain: Volume, seed: int, noise_in_air: bool, neck: bool, coverage: float) -> Volume:
    """Return a brain within fluid, bone and scalp, on a neck or none, of which a slab of that share is shown."""
    random = np.random.default_rng(seed)
    inside = brain.array > 0
    mean = brain.array[inside].mean()
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    outside_mm = _STEP_MM * sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(mask, False, False, False))
    fluid, bone, scalp = np.cumsum([random.uniform(0, 2), random.uniform(5, 8), random.uniform(3, 8)])
    signal = np.where(outside_mm <= scalp, 1.6 * mean, 0.0)
    signal[outside_mm <= bone] = 0.08 * mean
    signal[outside_mm <= fluid] = 0.5 * mean
    signal[inside] = brain.array[inside]
    if neck:
        k, j, i = np.indices(brain.array.shape)
        x, y, z = (np.stack([i, j, k, np.ones_like(i)], -1) @ brain.affine.T)[..., :3].transpose(3, 0, 1, 2)
        signal[(z < -25) & ((x / 60) ** 2 + ((y + 5) / 75) ** 2 < 1) & (outside_mm > bone)] = 0.7 * mean
    noise = random.normal(0, 0.02 * mean, (2, *signal.shape))
    voxels: NDArray = np.rint(np.hypot(signal + noise[0], noise[1]))
    if not noise_in_air:
        voxels[signal == 0] = 0
    shown = round(coverage * len(voxels))
    start = random.integers(0, len(voxels) - shown + 1)
    size = np.diag([random.uniform(0.88, 1.08)] * 3 + [1.0])  # of the person
    return Volume(voxels[start : start + shown].astype(np.int16), size @ brain.affine)


def test_synthetic_heads() -> None:
    """Those with noise in the air are never taken for brains; of those without, on a neck, hardly any."""
    mistakes = {kind: 0 for kind in [*product([True], [True, False], [1.0, 0.6]), (False, True, 1.0)]}
    for seed in range(3):
        brain = _brain(seed)
        assert looks_skull_stripped(brain) and looks_skull_stripped(_cut_to_content(brain))
        for kind in mistakes:
            mistakes[kind] += looks_skull_stripped(_head(brain, seed, *kind))
    assert mistakes.pop((False, True, 1.0)) <= 1
    assert set(mistakes.values()) == {0}, mistakes


def test_size_orientation_and_background_do_not_matter() -> None:
    brain = _brain(1)
    head = _head(brain, 1, noise_in_air=False, neck=True, coverage=1.0)
    for volume, expected in ((brain, True), (head, False)):
        large = Volume(
            np.kron(volume.array, np.ones((3, 3, 3), np.int16)), volume.affine @ np.diag([1, 1, 1, 3]) / 3
        )
        turned = Volume(volume.array.transpose(2, 0, 1)[::-1], volume.affine[:, [1, 2, 0, 3]])
        raised = Volume(volume.array - np.int16(1024), volume.affine)
        assert [looks_skull_stripped(other) for other in (large, turned, raised)] == [expected] * 3
