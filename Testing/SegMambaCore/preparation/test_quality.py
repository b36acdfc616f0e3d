"""Channels that do not fit, show the same, or were exchanged are told; sound ones are not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.preparation.contrasts import contrast_warnings
from SegMambaCore.preparation.quality import check_quality
from SegMambaCore.volume.read import read_volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom, spec

_REAL = Path(os.environ.get("SEGMAMBA_DATA", Path(__file__).parents[4] / "shared" / "data")) / "brats"
_CASES = 6


def _exchanged(channels: np.ndarray, a: int, b: int) -> np.ndarray:
    order = list(range(len(channels)))
    order[a], order[b] = b, a
    return channels[order]


@pytest.fixture(scope="module")
def tensor() -> np.ndarray:
    return prepare_case(coarse_phantom()[0], spec()).tensor


def test_a_sound_case_raises_nothing(tensor: np.ndarray) -> None:
    check = check_quality(tensor, ROLES, "t1c")
    assert check.warnings == ()
    assert set(check.similarity) == {"t1n", "t2w", "t2f"} and min(check.similarity.values()) > 1.02


@pytest.mark.parametrize(
    ("a", "b", "names"), [(0, 1, "T1 and T1Gd"), (2, 3, "T2 and T2-FLAIR"), (0, 2, "T1 and T2")]
)
def test_exchanged_channels_are_named(tensor: np.ndarray, a: int, b: int, names: str) -> None:
    warnings = check_quality(_exchanged(tensor, a, b), ROLES, "t1c").warnings
    assert any(warning.startswith(f"{names} seem to be exchanged") for warning in warnings)


def test_the_same_contrast_twice(tensor: np.ndarray) -> None:
    twice = tensor.copy()
    noise = np.random.default_rng(0).normal(0, 0.1, tensor.shape[1:])
    twice[3] = np.where(tensor[2] != 0, 0.7 * tensor[2] + noise, 0)
    (warning,) = [w for w in check_quality(twice, ROLES, "t1c").warnings if "nearly the same" in w]
    assert warning.startswith("T2 and T2-FLAIR show nearly the same.")


def test_what_does_not_fit(tensor: np.ndarray) -> None:
    other = tensor.copy()
    other[3] = np.where(tensor[3] != 0, np.random.default_rng(0).normal(size=tensor.shape[1:]), 0)
    warnings = check_quality(other, ROLES, "t1c").warnings
    assert any(
        warning.startswith("T2-FLAIR shows hardly what T1Gd shows (similarity 1.0") for warning in warnings
    )


def test_what_is_missing_is_not_asked_for(tensor: np.ndarray) -> None:
    assert check_quality(tensor[:2], ROLES[:2], "t1c").warnings == ()
    without_reference = check_quality(tensor[2:], ROLES[2:], "t1c")
    assert without_reference.similarity == {} and without_reference.warnings == ()
    assert check_quality(tensor[:, :4, :4, :4], ROLES, "t1c").warnings == ()


def test_real_cases() -> None:
    """No false alarm; of the exchanges all of T1 and T2, and of T2 and FLAIR."""
    folders = sorted(_REAL.glob("BraTS2021_*"))[:_CASES]
    if not folders:
        pytest.skip(f"no real cases in {_REAL}")
    for folder in folders:
        volumes = [read_volume(path).array[::3, ::3, ::3] for path in find_case_files(folder).values()]
        brain = np.logical_and.reduce([volume != 0 for volume in volumes])
        values = [volume[brain].astype(np.float32) for volume in volumes]
        scores = [(value - value.mean()) / value.std() for value in values]
        t1, t1gd, t2, flair = scores
        assert contrast_warnings(dict(zip(ROLES, scores, strict=True))) == (), folder.name
        for swapped, names in (
            ((t1, t1gd, flair, t2), "T2 and T2-FLAIR"),
            ((t2, t1gd, t1, flair), "T1 and T2"),
        ):
            warnings = contrast_warnings(dict(zip(ROLES, swapped, strict=True)))
            assert any(names in warning for warning in warnings), folder.name
