"""The network's input against a straightforward float64 computation, whatever grids the volumes come on."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.prepare import place_back, prepare_case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Grid, Volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom, moved, spec
from Testing.SegMambaCore.volume.geometries import LAS, LPS, RAS, SAGITTAL, grid_around, positions, rotation


@pytest.fixture(scope="module")
def phantom() -> Case:
    return coarse_phantom()[0]


def _nonzero_bounds(case: Case) -> None:
    mask = np.any([case.volumes[role].array != 0 for role in ROLES], axis=0)
    return [(where.min(), where.max() + 1) for where in np.nonzero(mask)]


def test_zscore_brain_on_one_grid(phantom: Case) -> None:
    prepared = prepare_case(phantom, spec())
    record, tensor = prepared.record, prepared.tensor
    assert tensor.dtype == np.float32 and tensor.flags.c_contiguous and prepared.warnings == ()
    assert tensor.shape == (4, *record.crop_shape)
    assert record.model_grid.matches(phantom.reference_volume.grid, 0.0)
    assert record.reference_grid.matches(phantom.reference_volume.grid, 0.0)
    for (low, high), start, length in zip(
        _nonzero_bounds(phantom), record.crop_start, record.crop_shape, strict=True
    ):
        assert length % 16 == 0 and length - (high - low) < 16
        assert 0 <= (start + length - high) - (low - start) <= 1
    for channel, role in zip(tensor, ROLES, strict=True):
        array = phantom.volumes[role].array.astype(np.float64)
        expected = np.where(array != 0, (array - array[array != 0].mean()) / array[array != 0].std(), 0)
        np.testing.assert_allclose(place_back(channel, record, 0.0), expected, atol=1e-4)


def test_zscore_crop_is_the_public_way(phantom: Case) -> None:
    prepared = prepare_case(phantom, spec(normalisation="zscore_crop"))
    box = tuple(slice(low, high) for low, high in _nonzero_bounds(phantom))
    for channel, role in zip(prepared.tensor, ROLES, strict=True):
        crop = phantom.volumes[role].array[box].astype(np.float64)
        np.testing.assert_allclose(channel, (crop - crop.mean()) / crop.std(), atol=1e-4)


def test_channels_come_in_the_model_s_order(phantom: Case) -> None:
    straight = prepare_case(phantom, spec()).tensor
    turned = prepare_case(phantom, spec(channels=("t2w", "t2f", "t1n", "t1c"))).tensor
    np.testing.assert_array_equal(turned, straight[[2, 3, 0, 1]])


@pytest.mark.parametrize("orientation", ["RAS", "PIR", "LAS", "SLP"])
def test_stored_orientation_does_not_matter(phantom: Case, orientation: str) -> None:
    volumes = {role: to_orientation(volume, orientation) for role, volume in phantom.volumes.items()}
    volumes["t2w"] = phantom.volumes["t2w"]  # each file may be stored in its own way
    prepared = prepare_case(Case(volumes), spec())
    expected = prepare_case(phantom, spec())
    np.testing.assert_array_equal(prepared.tensor, expected.tensor)
    assert prepared.record.model_grid.matches(expected.record.model_grid)
    assert prepared.record.reference_grid.shape == volumes["t1c"].array.shape


@pytest.mark.parametrize("value", [-1024, 7])
def test_background_need_not_be_zero(phantom: Case, value: float) -> None:
    expected = prepare_case(phantom, spec())
    shifted = {role: Volume(v.array + np.int16(value), v.affine) for role, v in phantom.volumes.items()}
    prepared = prepare_case(Case(shifted), spec())
    np.testing.assert_allclose(prepared.tensor, expected.tensor, atol=1e-4)


def _analytic_volume(grid: Grid, phase: float, background: int) -> Volume:
    """Return a smooth function of RAS position, 300 to 700, within an ellipsoid around (4, -7, 12)."""
    position = positions(grid) - (4, -7, 12)
    inside = ((position / (40, 50, 35)) ** 2).sum(axis=-1) < 1
    values = 500 + 200 * np.cos(position @ (0.03, 0.05, 0.04) + phase)
    return Volume(np.where(inside, values, background).astype(np.uint16), grid.affine)


@pytest.mark.parametrize("background", [0, 900])
def test_volumes_on_other_grids_are_brought_to_the_reference(background: int) -> None:
    centre = (4, -7, 12)
    grids = {
        "t1n": grid_around(centre, (70, 90, 80), (1.5, 1.3, 1.4), LAS, (7, -5, 12)),
        "t1c": grid_around(centre, (60, 60, 60), (2, 2, 2), LPS),
        "t2w": grid_around(centre, (80, 70, 90), (1.5, 1.3, 1.4), SAGITTAL, (-4, 9, 3)),
        "t2f": grid_around(centre, (30, 90, 80), (1.5, 1.5, 3.5), RAS, (2, 3, -4)),
    }
    case = Case({role: _analytic_volume(grid, n, background) for n, (role, grid) in enumerate(grids.items())})
    prepared = prepare_case(case, spec(spacing=(2.0, 2.0, 2.0)))
    assert prepared.warnings == ()
    assert prepared.record.model_grid.matches(grids["t1c"], 0.0)
    for n, channel in enumerate(prepared.tensor):
        got = place_back(channel, prepared.record, 0.0)
        truth = _analytic_volume(grids["t1c"], n, background).array.astype(np.float64)
        both = (got != 0) & (truth != background)
        assert 2 * both.sum() / ((got != 0).sum() + (truth != background).sum()) > 0.98
        scores = (truth - truth[both].mean()) / truth[both].std()
        assert np.abs(got - scores)[both].max() < 0.25  # the outermost layer: one-sided averages
        assert np.percentile(np.abs(got - scores)[both], 80) < 0.02


def test_other_spacing_keeps_the_field_of_view(phantom: Case) -> None:
    prepared = prepare_case(phantom, spec(spacing=(2.0, 1.5, 3.0)))
    grid, reference = prepared.record.model_grid, phantom.reference_volume.grid
    assert grid.spacing == pytest.approx((3.0, 1.5, 2.0))
    corner = (-0.5, -0.5, -0.5, 1)
    np.testing.assert_allclose(grid.affine @ corner, reference.affine @ corner, atol=1e-9)
    assert prepared.record.reference_grid is not grid
    assert [abs(float(channel[channel != 0].mean())) < 1e-3 for channel in prepared.tensor] == [True] * 4


def test_spacing_within_one_percent_is_not_interpolated(phantom: Case) -> None:
    prepared = prepare_case(phantom, spec(spacing=(3.02, 2.99, 3.0)))
    np.testing.assert_array_equal(prepared.tensor, prepare_case(phantom, spec()).tensor)


def test_oblique_case_is_neither_interpolated_nor_straightened(phantom: Case) -> None:
    tilt = np.eye(4)
    tilt[:3, :3] = rotation((12, -9, 15))
    oblique = Case({role: moved(volume, tilt) for role, volume in phantom.volumes.items()})
    np.testing.assert_array_equal(prepare_case(oblique, spec()).tensor, prepare_case(phantom, spec()).tensor)


def test_speck_does_not_grow_the_box(phantom: Case) -> None:
    array = phantom.volumes["t1n"].array.copy()
    array[1, 1, 1] = 50
    case = Case({**phantom.volumes, "t1n": Volume(array, phantom.volumes["t1n"].affine)})
    assert prepare_case(case, spec()).record.crop_shape == prepare_case(phantom, spec()).record.crop_shape


@pytest.mark.parametrize("name", ["zscore_brain", "zscore_crop"])
def test_place_back_undoes_the_crop(phantom: Case, name: str) -> None:
    record = prepare_case(phantom, spec(normalisation=name)).record
    rng = np.random.default_rng(0)
    array = rng.random((3, *record.crop_shape), dtype=np.float32)
    whole = place_back(array, record, -5.0)
    assert whole.shape == (3, *record.model_grid.shape) and whole.dtype == np.float32
    inside = 0
    for _ in range(300):
        voxel = tuple(int(rng.integers(n)) for n in record.model_grid.shape)
        at = tuple(v - s for v, s in zip(voxel, record.crop_start, strict=True))
        in_box = all(0 <= a < n for a, n in zip(at, record.crop_shape, strict=True))
        inside += in_box
        expected = array[(slice(None), *at)] if in_box else np.full(3, -5.0)
        np.testing.assert_array_equal(whole[(slice(None), *voxel)], expected)
    assert inside > 50


def test_box_may_reach_beyond_the_grid() -> None:
    rng = np.random.default_rng(0)
    volumes = {}
    for role in ROLES:
        array = np.zeros((20, 60, 60), np.float32)
        array[1:19, 5:50, 4:44] = rng.random((18, 45, 40)) + 1
        volumes[role] = Volume(array, np.diag([-3.0, -3, 3, 1]), role)
    prepared = prepare_case(Case(volumes), spec())
    assert prepared.record.crop_start == (-6, 4, 0) and prepared.record.crop_shape == (32, 48, 48)
    assert (prepared.tensor[:, :7] == 0).all() and (prepared.tensor[:, 25:] == 0).all()
    back = place_back(prepared.tensor[0], prepared.record, 0.0)
    np.testing.assert_array_equal(back != 0, volumes["t1n"].array != 0)


def test_of_a_head_only_the_brain_is_seen(phantom: Case) -> None:
    """Noise and scalp around the brain, which the mask tells from it, leave no trace."""
    rng = np.random.default_rng(1)
    brain = phantom.reference_volume.array > 0
    heads = {
        role: Volume(
            np.where(volume.array > 0, volume.array, rng.integers(0, 2000, brain.shape)), volume.affine, role
        )
        for role, volume in phantom.volumes.items()
    }
    mask = Volume(brain.astype(np.uint8), phantom.reference_volume.affine)
    expected, seen = prepare_case(phantom, spec()), prepare_case(Case(heads), spec(), mask)
    assert seen.record.crop_start == expected.record.crop_start
    np.testing.assert_allclose(seen.tensor, expected.tensor, atol=1e-5)
    assert seen.warnings == expected.warnings == ()


def test_partly_missing_channel_is_named(phantom: Case) -> None:
    whole = phantom.volumes["t2f"]
    lower_half = Volume(whole.array[:26], whole.affine, "half.nii.gz")
    warnings = prepare_case(Case({**phantom.volumes, "t2f": lower_half}), spec()).warnings
    assert len(warnings) == 1 and "T2-FLAIR (half.nii.gz) shows only" in warnings[0]


def test_channel_without_content_in_the_field_of_view(phantom: Case) -> None:
    array = np.zeros((20, 20, 20), np.float32)
    array[8:12, 8:12, 8:12] = 1
    affine = np.diag([3.0, 3, 3, 1])
    # The empty margin of this volume reaches into the reference's corner, its content does not.
    affine[:3, 3] = phantom.reference_volume.affine[:3, 3] + (-3, -3, -45)
    case = Case({**phantom.volumes, "t2w": Volume(array, affine, "elsewhere.nii.gz")})
    with pytest.raises(SegMambaError, match=r"T2 \(elsewhere.nii.gz\) shows nothing"):
        prepare_case(case, spec())
