"""Dice and HD95 against medpy, MONAI and surface-distance, on random and on degenerate masks."""

from __future__ import annotations

import medpy.metric.binary as medpy
import pytest
import surface_distance
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance

from Testing.Training.metrics.masks import PAIRS, SPACING
from Training.metrics import nearest
from Training.metrics.brats2021 import brats2021
from Training.metrics.paper import paper
from Training.metrics.surfels import surfel_hd95

pytestmark = [  # what the packages themselves are warned about
    pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning:surface_distance"),
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning"),
]

pairs = pytest.mark.parametrize("pair", list(PAIRS))
spacings = pytest.mark.parametrize("spacing", [SPACING, (1.0, 1.0, 1.0)])


@pairs
@spacings
def test_the_paper_scores_as_medpy(pair, spacing):
    prediction, reference = PAIRS[pair]
    expected = {
        "dice": medpy.dc(prediction, reference),
        "hd95": medpy.hd95(prediction, reference, voxelspacing=spacing),
    }
    assert paper(prediction, reference, spacing) == pytest.approx(expected, abs=1e-12)


@pairs
@spacings
def test_brats2021_scores_as_monai(pair, spacing):
    prediction, reference = PAIRS[pair]
    one_hot = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, reference)]
    hd95 = compute_hausdorff_distance(*one_hot, include_background=True, percentile=95, spacing=list(spacing))
    scores = brats2021(prediction, reference, spacing)
    assert scores["dice"] == pytest.approx(float(compute_dice(*one_hot)))
    assert scores["hd95"] == pytest.approx(float(hd95), abs=1e-4)


@pairs
@spacings
def test_surfels_score_as_surface_distance(pair, spacing):
    prediction, reference = PAIRS[pair]
    distances = surface_distance.compute_surface_distances(reference, prediction, spacing)
    expected = surface_distance.compute_robust_hausdorff(distances, 95)
    assert surfel_hd95(prediction, reference, spacing) == pytest.approx(expected, abs=1e-12)


@pairs
def test_both_ways_to_the_nearest_point_agree(pair, monkeypatch):
    points, targets = PAIRS[pair]
    results = []
    for sparse in (0, points.size):  # always the tree, always the transform
        monkeypatch.setattr(nearest, "_SPARSE", sparse)
        results.append(nearest.nearest_distances(points, targets, SPACING))
    assert results[0].tolist() == pytest.approx(results[1].tolist(), abs=1e-12)


def test_the_conventions_differ_where_they_should():
    """Two far voxels among many near ones: pooled, directed and weighted percentiles are three numbers."""
    prediction, reference = PAIRS["blobs 0"]
    assert paper(prediction, reference, SPACING)["hd95"] < brats2021(prediction, reference, SPACING)["hd95"]
    assert surfel_hd95(prediction, reference, SPACING) != brats2021(prediction, reference, SPACING)["hd95"]
