"""The synthetic patient looks like one, in figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.sample.write import write_sample
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.volume import Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Volume]:
    folder = tmp_path_factory.mktemp("sample") / "new"
    paths = write_sample(folder)
    assert {path.name for path in folder.iterdir()} == {f"Sample-{n}.nii.gz" for n in (*ROLES, "seg")}
    assert find_case_files(folder) == {role: paths[role] for role in ROLES}
    return read_case(find_case_files(folder)), read_volume(paths["seg"])


def test_sample_is_one_oblique_grid_of_one_millimetre(sample: str) -> None:
    case, labels = sample
    assert labels.grid.spacing == pytest.approx((1, 1, 1), abs=1e-4)
    for volume in case.volumes.values():
        assert volume.grid.matches(labels.grid)
    cosines = np.abs(labels.affine[:3, :3]).max(axis=0)
    assert (cosines < np.cos(np.deg2rad(5))).sum() >= 2


def _scores(case: Case, role: str) -> None:
    array = case.volumes[role].array.astype(np.float64)
    inside = array[array > 0]
    return np.where(array > 0, (array - inside.mean()) / inside.std(), 0)


def test_contrast_is_that_of_a_tumour(sample: str) -> None:
    case, labels = sample
    median = {
        (role, label): np.median(_scores(case, role)[labels.array == label])
        for role in ROLES
        for label in (1, 2, 3)
    }
    assert median["t1c", 3] > 1.9  # the rim takes up contrast
    assert median["t1c", 1] < 0.3 and median["t1c", 2] < 0.5
    assert median["t2f", 2] > 1.2 and median["t2f", 3] > 1.2
    assert median["t2w", 2] > 0.3 and median["t2w", 1] > 0.4
    assert median["t1n", 1] < 0 and median["t1n", 3] < 0.4


def test_brain_fills_what_a_brain_fills(sample: str) -> None:
    case, labels = sample
    brain = case.volumes["t1c"].array > 0
    assert 1200 < brain.sum() / 1000 < 1700
    for volume in case.volumes.values():
        np.testing.assert_array_equal(volume.array > 0, brain)
    assert not (labels.array[~brain]).any()
    core, whole = np.isin(labels.array, (1, 3)).sum() / 1000, (labels.array > 0).sum() / 1000
    assert 5 < core < whole < 200
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(brain.astype(np.uint8))))
    assert np.bincount(pieces.ravel())[1:].max() > 0.999 * brain.sum()


def test_seeds_draw_different_patients() -> None:
    volumes = [coarse_phantom(seed)[0].volumes["t2w"].array for seed in (0, 1)]
    assert (volumes[0] != volumes[1]).mean() > 0.2
    centres = [np.argwhere(coarse_phantom(seed)[1].array > 0).mean(axis=0) * 3.0 for seed in range(6)]
    assert np.ptp(centres, axis=0).max() > 30  # mm


def test_same_seed_draws_the_same_patient() -> None:
    case, labels = coarse_phantom(1)
    again, labels_again = make_phantom(1, labels.array.shape, labels.affine)
    np.testing.assert_array_equal(labels.array, labels_again.array)
    for role in ROLES:
        np.testing.assert_array_equal(case.volumes[role].array, again.volumes[role].array)


@pytest.mark.parametrize("seed", range(6))
def test_every_seed_has_all_three_parts(seed: int) -> None:
    _, labels = coarse_phantom(seed)
    millilitres = np.bincount(labels.array.ravel(), minlength=4)[1:] * labels.grid.voxel_volume_ml
    assert (millilitres > 0.2).all() and millilitres.sum() < 250


def test_anatomy_does_not_depend_on_the_voxels() -> None:
    whole = {}
    for spacing in (3.0, 4.0):
        shape = tuple(round(n * 3 / spacing) for n in (52, 66, 56))
        case, _ = make_phantom(0, shape, np.diag([-spacing, -spacing, spacing, 1.0]))
        whole[spacing] = (case.volumes["t1n"].array > 0).sum() * spacing**3 / 1000
    assert whole[3.0] == pytest.approx(whole[4.0], rel=0.05)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SegMambaError, match="cannot be made"):
        write_sample(tmp_path / "file" / "folder")
