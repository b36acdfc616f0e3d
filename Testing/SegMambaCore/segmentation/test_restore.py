"""Regions must come back to the reference's own voxels."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from SegMambaCore.case.prepared import PreparationRecord
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.restore import restore
from SegMambaCore.volume.resample import grid_at_spacing, to_orientation
from SegMambaCore.volume.volume import Grid, Volume

_REGIONS_SPEC = ModelSpec(
    name="test",
    network="small",
    channels=("t2w", "t2f", "t1n", "t1c"),
    spacing=(1.0, 1.0, 1.0),
    orientation="LPS",
    normalisation="zscore_brain",
    activation="sigmoid",
    outputs=("WT", "TC", "ET"),
)
_CLASSES_SPEC = replace(_REGIONS_SPEC, activation="softmax", outputs=("background", "NCR", "ED", "ET"))


def _turn(degrees_about_s: float, degrees_about_r: float) -> np.ndarray:
    s, r = np.radians([degrees_about_s, degrees_about_r])
    about_s = np.array([[np.cos(s), -np.sin(s), 0], [np.sin(s), np.cos(s), 0], [0, 0, 1]])
    about_r = np.array([[1, 0, 0], [0, np.cos(r), -np.sin(r)], [0, np.sin(r), np.cos(r)]])
    return about_s @ about_r


def _grid(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    turn: np.ndarray | None = None,
    origin: tuple[float, float, float] = (-20.0, 30.0, 11.0),
) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) * np.asarray(spacing)
    affine[:3, 3] = origin
    return Grid(shape, affine)


def _nested(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Random probabilities (WT, TC, ET) without contradictions."""
    return np.sort(rng.random((3, *shape), dtype=np.float32), axis=0)[::-1].copy()


def _record(
    reference: Grid,
    spacing: tuple[float, float, float] | None = None,
    start: tuple[int, int, int] = (0, 0, 0),
    shape: tuple[int, int, int] | None = None,
) -> PreparationRecord:
    model = to_orientation(Volume(np.zeros(reference.shape, np.uint8), reference.affine), "LPS").grid
    if spacing is not None:
        model = grid_at_spacing(model, spacing)
    return PreparationRecord(reference, model, start, model.shape if shape is None else shape)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_every_orientation_comes_back_voxel_by_voxel(
    axes: tuple[int, int, int], signs: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: each reference voxel looked up in the crop through physical space."""
    monkeypatch.delattr("SegMambaCore.segmentation.restore.resample")  # moved, not interpolated
    rng = np.random.default_rng(5)
    turn = _turn(12, -8) @ np.eye(3)[:, list(axes)] @ np.diag(signs)
    reference = _grid((6, 7, 8), (0.9, 1.1, 1.3), turn)
    record = _record(reference, start=(1, -2, 2), shape=(4, 12, 3))
    probabilities = _nested(rng, record.crop_shape)

    segmentation = restore(probabilities, record, _REGIONS_SPEC)

    k, j, i = np.indices(reference.shape)
    to_model = np.linalg.inv(record.model_grid.affine) @ reference.affine
    model_ijk = np.rint((to_model @ np.stack([i, j, k, np.ones_like(i)]).reshape(4, -1))[:3]).astype(int)
    crop_kji = model_ijk[::-1] - np.array(record.crop_start)[:, None]
    inside = ((crop_kji >= 0) & (crop_kji < np.array(record.crop_shape)[:, None])).all(axis=0)
    for region, channel in zip(("WT", "TC", "ET"), probabilities, strict=True):
        expected = np.zeros(inside.size, dtype=bool)
        expected[inside] = channel[tuple(crop_kji[:, inside])] >= 0.5
        np.testing.assert_array_equal(segmentation.masks[region].ravel(), expected)
        assert segmentation.masks[region].flags.c_contiguous
    assert segmentation.grid is reference


def test_resampled_probabilities_agree_with_float64_interpolation() -> None:
    rng = np.random.default_rng(7)
    reference = _grid((9, 30, 26), (0.8, 0.9, 3.1), _turn(20, 10))
    record = _record(reference, spacing=(1.0, 1.0, 1.0), start=(4, 3, -2), shape=(20, 18, 20))
    probabilities = _nested(rng, record.crop_shape)
    segmentation = restore(probabilities, record, _REGIONS_SPEC)
    for region, interpolated in zip(
        ("WT", "TC", "ET"), _interpolated(probabilities, record, (0, 0, 0)), strict=True
    ):
        clear = np.abs(interpolated - 0.5) > 1e-4
        np.testing.assert_array_equal(segmentation.masks[region][clear], (interpolated >= 0.5)[clear])
        assert 0 < segmentation.masks[region].sum() < segmentation.masks[region].size


def test_resampled_classes_agree_with_float64_interpolation() -> None:
    rng = np.random.default_rng(8)
    reference = _grid((11, 20, 22), (1.7, 0.6, 2.0), _turn(-15, 5))
    record = _record(reference, spacing=(1.0, 1.0, 1.0), start=(3, 2, 5), shape=(10, 6, 18))
    logits = rng.normal(size=(4, *record.crop_shape))
    probabilities = (np.exp(2 * logits) / np.exp(2 * logits).sum(axis=0)).astype(np.float32)
    segmentation = restore(probabilities, record, _CLASSES_SPEC)

    interpolated = _interpolated(probabilities, record, (1, 0, 0, 0))
    first, second = np.sort(interpolated, axis=0)[-1:-3:-1]
    clear = first - second > 1e-4
    winner = interpolated.argmax(axis=0)
    for region, classes in {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}.items():
        np.testing.assert_array_equal(
            segmentation.masks[region][clear], np.isin(winner, classes)[clear], err_msg=region
        )


def _interpolated(
    probabilities: np.ndarray, record: PreparationRecord, backgrounds: tuple[float, ...]
) -> list[np.ndarray]:
    """Linear interpolation in float64 onto the reference; half a voxel beyond the model's grid its edge."""
    reference, model = record.reference_grid, record.model_grid
    k, j, i = np.indices(reference.shape, dtype=np.float64)
    to_model = np.linalg.inv(model.affine) @ reference.affine
    at = (to_model @ np.stack([i, j, k, np.ones_like(i)]).reshape(4, -1))[:3][::-1]
    size = np.array(model.shape)[:, None]
    outside = ((at < -0.5) | (at > size - 0.5)).any(axis=0)
    result = []
    for channel, background in zip(probabilities, backgrounds, strict=True):
        whole = np.full(model.shape, background, dtype=np.float64)
        target, source = [], []
        for start, length, count in zip(record.crop_start, record.crop_shape, model.shape, strict=True):
            first, last = max(start, 0), min(start + length, count)
            target.append(slice(first, last))
            source.append(slice(first - start, last - start))
        whole[tuple(target)] = channel[tuple(source)]
        values = map_coordinates(whole, np.clip(at, 0, size - 1), order=1)
        values[outside] = background
        result.append(values.reshape(reference.shape))
    return np.array(result)


def test_a_ball_keeps_its_place_and_size_on_an_oblique_anisotropic_grid() -> None:
    reference = _grid((20, 110, 100), (0.6, 0.55, 4.0), _turn(17, -9))
    record = _record(reference, spacing=(1.0, 1.0, 1.0))
    centre = reference.affine @ (50, 55, 10, 1)
    radius = 18.0

    def distance(grid: Grid) -> np.ndarray:
        k, j, i = np.indices(grid.shape)
        points = np.einsum("rc,ckji->rkji", grid.affine, np.stack([i, j, k, np.ones_like(i)]))
        return np.linalg.norm(points[:3] - centre[:3, None, None, None], axis=0)

    soft = 1 / (1 + np.exp(distance(record.model_grid) - radius))
    probabilities = np.stack([soft, soft, soft]).astype(np.float32)
    segmentation = restore(probabilities, record, _REGIONS_SPEC)
    truth = distance(reference) <= radius
    wrong = segmentation.masks["WT"] != truth
    assert np.abs(distance(reference)[wrong] - radius).max(initial=0) < 0.1  # millimetres
    assert segmentation.volume_ml("WT") == pytest.approx(4 / 3 * np.pi * radius**3 / 1000, rel=0.02)


def test_contradicting_outputs_grow_the_outer_regions() -> None:
    reference = _grid((1, 1, 4), (1, 1, 1))
    wt, tc, et = [0.9, 0.1, 0.1, 0.1], [0.1, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.1]
    record = PreparationRecord(reference, reference, (0, 0, 0), reference.shape)
    probabilities = np.array([wt, tc, et], dtype=np.float32).reshape(3, 1, 1, 4)
    masks = restore(probabilities, record, _REGIONS_SPEC).masks
    assert masks["WT"].ravel().tolist() == [True, True, True, False]
    assert masks["TC"].ravel().tolist() == [False, True, True, False]
    assert masks["ET"].ravel().tolist() == [False, False, True, False]


def test_one_half_belongs_to_the_region_and_order_of_outputs_does_not_matter() -> None:
    reference = _grid((1, 1, 2), (1, 1, 1))
    record = PreparationRecord(reference, reference, (0, 0, 0), reference.shape)
    probabilities = np.array([[0.2, 0.1], [0.5, 0.49], [0.5, 0.5]], dtype=np.float32).reshape(3, 1, 1, 2)
    masks = restore(probabilities, record, replace(_REGIONS_SPEC, outputs=("ET", "TC", "WT"))).masks
    assert masks["WT"].ravel().tolist() == [True, True]
    assert masks["TC"].ravel().tolist() == [True, False]
    assert masks["ET"].ravel().tolist() == [False, False]


@pytest.mark.parametrize("spec", [_REGIONS_SPEC, _CLASSES_SPEC])
@pytest.mark.parametrize("spacing", [None, (1.5, 1.5, 1.5)])
def test_no_tumor_is_an_empty_segmentation(spec: ModelSpec, spacing: tuple[float, float, float]) -> None:
    reference = _grid((8, 9, 10), (1, 1, 2))
    record = _record(reference, spacing=spacing)
    probabilities = np.zeros((len(spec.outputs), *record.crop_shape), dtype=np.float32)
    if spec is _CLASSES_SPEC:
        probabilities[0] = 1
    masks = restore(probabilities, record, spec).masks
    assert set(masks) == {"WT", "TC", "ET"}
    assert not any(mask.any() for mask in masks.values())
    assert all(mask.shape == reference.shape for mask in masks.values())


def test_wrong_number_of_outputs_is_an_error() -> None:
    reference = _grid((2, 2, 2), (1, 1, 1))
    record = PreparationRecord(reference, reference, (0, 0, 0), reference.shape)
    with pytest.raises(ValueError, match="outputs"):
        restore(np.zeros((4, 2, 2, 2), dtype=np.float32), record, _REGIONS_SPEC)
