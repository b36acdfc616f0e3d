"""Who is registered and who is left alone; where the sequences end up."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.errors import CancelledError, SegMambaError
from SegMambaCore.preparation.align import align, roles_to_register
from SegMambaCore.sample.scanner import Acquisition, scan
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom, moved
from Testing.SegMambaCore.registration.moved_heads import centre_of, motion

from .raw_heads import head, scanned_at_rest, with_one


def test_stripped_volumes_on_the_same_voxels_are_left_alone() -> None:
    case, _ = coarse_phantom()
    assert roles_to_register(case) == []
    turned = Case(
        {role: to_orientation(v, "RAS" if role == "t2w" else "LPS") for role, v in case.volumes.items()}
    )
    assert roles_to_register(turned) == []


def test_who_has_to_be_registered() -> None:
    case, _ = coarse_phantom()
    far = motion(centre_of(case.reference_volume), 9, 0)
    shifted = np.roll(case.volumes["t2w"].array, 4, axis=2)  # 12 mm, on the same voxels
    assert roles_to_register(with_one(case, "t2w", Volume(shifted, case.reference_volume.affine))) == ["t2w"]
    assert roles_to_register(with_one(case, "t2f", moved(case.volumes["t2f"], far))) == ["t2f"]
    assert roles_to_register(scanned_at_rest()) == ["t1n", "t2w", "t2f"]


def test_a_moved_sequence_comes_back_onto_the_reference_which_stays() -> None:
    at_rest = scanned_at_rest()
    away = motion(centre_of(at_rest.reference_volume), 18, 15, seed=4)
    again = scan(
        head().volumes["t2f"], away, Acquisition((1.5, 1.5, 5.0), noise=0.02), np.random.default_rng(2)
    )
    case = with_one(at_rest, "t2f", again)
    steps: list[tuple[int, int]] = []
    aligned, motions = align(case, ["t2f"], lambda *step: steps.append(step))
    brain = np.argwhere(head().brain.array > 0)[::500, ::-1]
    points = np.column_stack([brain, np.ones(len(brain))]) @ head().brain.affine.T
    errors = np.linalg.norm((points @ (motions["t2f"].matrix @ away).T - points)[:, :3], axis=1)
    assert errors.max() < 1.0
    assert motions["t2f"].millimetres == pytest.approx(24, abs=8) and not motions["t2f"].is_doubtful
    np.testing.assert_allclose(aligned.volumes["t2f"].affine, motions["t2f"].matrix @ again.affine)
    assert aligned.volumes["t2f"].array is again.array
    assert all(aligned.volumes[role] is case.volumes[role] for role in ROLES if role != "t2f")
    assert steps[-1][0] == steps[-1][1]


def test_what_fits_nowhere_is_named() -> None:
    case, _ = coarse_phantom()
    speck = np.zeros((20, 20, 20), np.float32)
    speck[10, 10, 10:12] = 100
    with pytest.raises(
        SegMambaError, match=r"^T2 \(speck\) cannot be laid onto T1Gd: speck: no head was found"
    ):
        align(with_one(case, "t2w", Volume(speck, np.eye(4), "speck")), ["t2w"])


def test_cancel() -> None:
    case, _ = coarse_phantom()
    with pytest.raises(CancelledError):
        align(case, ["t1n", "t2w"], is_cancelled=lambda: True)
