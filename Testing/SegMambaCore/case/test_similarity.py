"""Aligned volumes pass without a word, moved ones are named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.case.case import Case
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.read_case import read_case
from SegMambaCore.case.similarity import measure_fit, misalignment_warnings
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom, moved
from Testing.SegMambaCore.volume.geometries import rotation

DATA = Path(os.environ.get("SEGMAMBA_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def phantom() -> Case:
    return coarse_phantom()[0]


def _motion(case: Case, millimetres: float = 0.0, degrees: float = 0.0, seed: int = 0) -> None:
    """Return a motion in RAS about the volume's middle, in a random direction."""
    direction = np.random.default_rng(seed).normal(size=3)
    motion = np.eye(4)
    motion[:3, :3] = rotation(tuple(degrees * direction / np.linalg.norm(direction)))
    middle = case.reference_volume.affine[:3] @ (*(np.array(case.reference_volume.array.shape[::-1]) / 2), 1)
    motion[:3, 3] = middle - motion[:3, :3] @ middle + millimetres * direction / np.linalg.norm(direction)
    return motion


def _with_moved(case: Case, role: str, motion: str) -> None:
    return Case({**case.volumes, role: moved(case.volumes[role], motion)}, case.reference)


def test_aligned_phantoms_raise_no_warning() -> None:
    for seed in range(3):
        assert misalignment_warnings(coarse_phantom(seed)[0]) == ()


@pytest.mark.parametrize("role", ["t1n", "t2w", "t2f"])
@pytest.mark.parametrize(("millimetres", "degrees"), [(10.0, 0.0), (20.0, 0.0), (0.0, 12.0)])
def test_moved_volume_is_named(
    phantom: tuple[Case, Volume], role: str, millimetres: float, degrees: float
) -> None:
    warnings = misalignment_warnings(_with_moved(phantom, role, _motion(phantom, millimetres, degrees)))
    assert len(warnings) == 1
    assert f"phantom {role}" in warnings[0]


def test_moving_all_volumes_together_changes_nothing(phantom: tuple[Case, Volume]) -> None:
    motion = _motion(phantom, 30, 25)
    together = Case({role: moved(volume, motion) for role, volume in phantom.volumes.items()})
    assert misalignment_warnings(together) == ()


def test_identical_volumes_reach_the_figure_s_upper_end(phantom: tuple[Case, Volume]) -> None:
    volume = phantom.volumes["t1c"]
    assert measure_fit(volume, volume).as_it_lies == pytest.approx(2.0)


def test_unrelated_volumes_come_near_its_lower_end() -> None:
    noise = [
        Volume(np.random.default_rng(seed).random((60, 60, 60), np.float32), np.diag([4.0, 4, 4, 1]))
        for seed in (0, 1)
    ]
    assert measure_fit(*noise).as_it_lies == pytest.approx(1.0, abs=0.01)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real cases at {DATA}")
@pytest.mark.parametrize("name", ["brats/BraTS2021_00002", "brats/Brats18_CBICA_ALU_1", "raw/TCGA-DU-7294"])
def test_real_case(name: str) -> None:
    case = read_case(find_case_files(DATA / name))
    assert misalignment_warnings(case) == ()
    warnings = misalignment_warnings(_with_moved(case, "t2f", _motion(case, 10)))
    assert len(warnings) == 1 and warnings[0].startswith("T2-FLAIR")
