"""Lesion-wise scores: phantoms computed by hand, and the rules followed step by step on random masks."""

from __future__ import annotations

import numpy as np
import pytest
import surface_distance
from scipy.ndimage import binary_dilation, generate_binary_structure, label

from Testing.Training.metrics.masks import box, noise
from Training.metrics.brats2023 import brats2023

pytestmark = pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning:surface_distance")

SHAPE = (48, 48, 48)
MM = (1.0, 1.0, 1.0)


def cube(k: int, j: int, i: int, side: int):
    return box((k, k + side), (j, j + side), (i, i + side), shape=SHAPE)


def scores(prediction, reference, spacing=MM):
    found = brats2023(prediction, reference, spacing)
    return found["lesionwise_dice"], found["lesionwise_hd95"], [found[count] for count in ("tp", "fn", "fp")]


def test_a_lesion_found_and_a_lesion_missed():
    reference = cube(5, 5, 5, 5) | cube(30, 30, 30, 5)
    assert scores(cube(5, 5, 5, 5), reference) == (0.5, 187.0, [1, 1, 0])


def test_lesions_that_meet_when_dilated_are_one():
    """A gap of 6 voxels: 3 dilations from each side touch. One cube alone is then half of one lesion."""
    one, other = cube(5, 5, 5, 5), cube(5, 5, 16, 5)
    dice, hd95, counts = scores(one, one | other)
    assert (dice, counts) == (pytest.approx(2 * 125 / (125 + 250)), [1, 0, 0])
    assert hd95 == 11.0  # from the far cube's far face to the near cube: 16 + 5 - (5 + 5)


def test_a_gap_of_seven_voxels_separates_lesions():
    one, other = cube(5, 5, 5, 5), cube(5, 5, 17, 5)
    # The dilated ones reach to 12 and from 14 on: nothing touches, not even at a corner.
    assert scores(one, one | other)[2] == [1, 1, 0]


def test_one_component_matches_two_lesions_whole():
    one, other = cube(5, 5, 5, 5), cube(5, 5, 25, 5)
    bridge = box((5, 10), (5, 10), (5, 30), shape=SHAPE)
    dice, _, counts = scores(bridge, one | other)
    # Each lesion against the whole component of 625 voxels, and no false positive.
    assert (dice, counts) == (pytest.approx(2 * 125 / (125 + 625)), [2, 0, 0])


def test_two_components_match_one_lesion_together():
    lesion = box((5, 10), (5, 10), (5, 20), shape=SHAPE)
    halves = box((5, 10), (5, 10), (5, 11), shape=SHAPE) | box((5, 10), (5, 10), (13, 20), shape=SHAPE)
    dice, _, counts = scores(halves, lesion)
    assert (dice, counts) == (pytest.approx(2 * 325 / (325 + 375)), [1, 0, 0])


def test_a_prediction_beside_the_lesion_but_within_reach_is_a_hit_of_dice_0():
    dice, hd95, counts = scores(cube(5, 5, 12, 3), cube(5, 5, 5, 5))
    assert (dice, counts) == (0.0, [1, 0, 0])
    assert 5.0 < hd95 < 374.0


def test_a_lesion_of_50_mm3_is_neither_missed_nor_hit_and_one_of_51_counts():
    of_50 = box((5, 10), (5, 10), (5, 7), shape=SHAPE)
    of_51 = of_50.copy()
    of_51[5, 5, 7] = True
    nothing = np.zeros(SHAPE, dtype=np.bool_)
    assert scores(nothing, of_50) == (1.0, 0.0, [0, 0, 0])
    assert scores(of_50, of_50) == (1.0, 0.0, [0, 0, 0])  # touching it is no false positive either
    assert scores(nothing, of_51) == (0.0, 374.0, [0, 1, 0])


def test_the_limit_is_a_volume_not_a_number_of_voxels():
    of_26_voxels = box((5, 7), (5, 18), (5, 6), shape=SHAPE)
    nothing = np.zeros(SHAPE, dtype=np.bool_)
    assert scores(nothing, of_26_voxels)[2] == [0, 0, 0]
    assert scores(nothing, of_26_voxels, (1.0, 1.0, 2.0))[2] == [0, 1, 0]


@pytest.mark.parametrize("side", [1, 2, 9])
def test_false_positives_of_any_size_count(side):
    lesion = cube(5, 5, 5, 5)
    assert scores(lesion | cube(30, 30, 30, side), lesion) == (0.5, 187.0, [1, 0, 1])


def test_components_that_touch_at_a_corner_are_one():
    prediction = cube(30, 30, 30, 2) | cube(32, 32, 32, 2)
    assert scores(prediction, np.zeros(SHAPE, dtype=np.bool_)) == (0.0, 374.0, [0, 0, 1])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spacing", [MM, (2.0, 1.0, 0.9)])
def test_random_lesions_score_as_the_rules_say(seed, spacing):
    rng = np.random.default_rng(seed)
    masks = [np.zeros(SHAPE, dtype=np.bool_) for _ in range(2)]
    for mask in masks:
        for _ in range(12):
            k, j, i = rng.integers(0, 44, size=3)
            mask |= cube(k, j, i, int(rng.integers(1, 7)))
    masks[0] |= noise_at_corner(seed)
    assert brats2023(*masks, spacing) == pytest.approx(by_the_rules(*masks, spacing), abs=1e-9)


def noise_at_corner(seed: int):
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[:24, :30, :18] = noise(seed, 0.002)
    return mask


def by_the_rules(prediction, reference, spacing):
    """The six steps of the convention on whole arrays, with the distances of the package `surface-distance`."""
    edges, corners = generate_binary_structure(3, 2), generate_binary_structure(3, 3)
    parts, part_count = label(prediction, corners)
    pieces, piece_count = label(reference, corners)
    dilated, _ = label(binary_dilation(reference, edges, iterations=3), corners)
    lesion_of = {piece: dilated[pieces == piece][0] for piece in range(1, piece_count + 1)}

    dices, distances, counts, touched = [], [], {"tp": 0, "fn": 0, "fp": 0}, set()
    for number in sorted(set(lesion_of.values())):
        lesion = np.isin(pieces, [piece for piece, lesion in lesion_of.items() if lesion == number])
        matched = set(parts[binary_dilation(lesion, edges, iterations=3)]) - {0}
        touched |= matched
        if lesion.sum() * np.prod(spacing) <= 50:
            continue
        if not matched:
            dices, distances = [*dices, 0.0], [*distances, 374.0]
            counts["fn"] += 1
            continue
        hit = np.isin(parts, list(matched))
        surfaces = surface_distance.compute_surface_distances(lesion, hit, spacing)
        dices.append(2 * (hit & lesion).sum() / (hit.sum() + lesion.sum()))
        distances.append(surface_distance.compute_robust_hausdorff(surfaces, 95))
        counts["tp"] += 1
    counts["fp"] = part_count - len(touched)
    dices += [0.0] * counts["fp"]
    distances += [374.0] * counts["fp"]
    means = (np.mean(dices), np.mean(distances)) if dices else (1.0, 0.0)
    return {"lesionwise_dice": means[0], "lesionwise_hd95": means[1], **counts}
