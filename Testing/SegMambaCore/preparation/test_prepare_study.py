"""A study as scanners deliver it, made ready; and one that needs nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.preparation.keep import keep_preparation
from SegMambaCore.preparation.prepare_study import leave_as_is, prepare_study
from SegMambaCore.registration.transform_file import read_transform
from SegMambaCore.sample.raw import make_raw_sample
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom

from .raw_heads import dice, scanned_at_rest


def test_what_needs_nothing_stays_as_it_is() -> None:
    case, _ = coarse_phantom()
    steps: list[str] = []
    preparation = prepare_study(case, steps.append)
    assert preparation.case is case and preparation.brain_mask is None
    assert preparation.motions == {} and preparation.warnings == () and steps == ["inspect"]


def test_left_as_it_is_a_head_is_warned_about() -> None:
    case = scanned_at_rest()
    preparation = leave_as_is(case)
    assert preparation.case is case and preparation.brain is None
    assert preparation.warnings[0].startswith(
        "T1, T1Gd, T2, T2-FLAIR: the skull seems not to have been removed."
    )


@pytest.mark.slow
def test_a_raw_study_is_laid_together_and_stripped(tmp_path: Path) -> None:
    """The sample with everything that scanners do, against the motions and the brain that it was made with."""
    sample = make_raw_sample()
    steps: list[str] = []
    preparation = prepare_study(sample.case, steps.append)
    assert steps == ["inspect", "align", "extract"]
    assert len(preparation.warnings) == 1 and "thick slices" in preparation.warnings[0]

    brain = sample.brain
    voxels = np.argwhere(brain.array > 0)[::500, ::-1]
    points = np.column_stack([voxels, np.ones(len(voxels))]) @ (sample.motions["t1c"] @ brain.affine).T
    for role, motion in preparation.motions.items():
        back = motion.matrix @ np.linalg.inv(sample.true_motion(role))
        errors = np.linalg.norm((points @ back.T - points)[:, :3], axis=1)
        assert errors.mean() < 1.0 and errors.max() < 2.0, role

    files = keep_preparation(preparation, tmp_path)
    assert set(files) == {"transform_t1n", "transform_t2w", "transform_t2f", "brain_mask"}
    np.testing.assert_allclose(
        read_transform(tmp_path / files["transform_t2f"]), preparation.motions["t2f"].matrix, atol=1e-6
    )
    mask = sitk.ReadImage(str(tmp_path / files["brain_mask"]))
    reference = sample.case.reference_volume
    assert mask.GetSize() == reference.array.shape[::-1]
    moved = Volume(brain.array.astype(np.float32), sample.motions["t1c"] @ brain.affine)
    truth = resample(moved, reference.grid).array >= 0.5
    assert dice(sitk.GetArrayFromImage(mask) > 0, truth) > 0.93
