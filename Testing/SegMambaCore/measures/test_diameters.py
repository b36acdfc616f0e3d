"""Diameters within one cross-section: closed forms, and all pairs of points tried by other means."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.measures.diameters import longest_chord, longest_perpendicular, pieces_of
from SegMambaCore.measures.outline import outline_points, outline_segments
from Testing.SegMambaCore.measures.brute_force import longest_by_brute_force, outline_polygons

PIXEL = 0.5  # millimetres; an outline point is right to half a pixel, a maximum over all of them errs upwards
TOLERANCE = 1.2


def plane(width: float, height: float, pixel: tuple[float, float] = (PIXEL, PIXEL)) -> tuple:
    """x and y in millimetres of pixels (rows, columns) around an origin that is no pixel's centre."""
    rows, columns = round(height / pixel[1]), round(width / pixel[0])
    y, x = np.indices((rows, columns)).astype(float)
    return (x - (columns - 1) / 2 + 0.21) * pixel[0], (y - (rows - 1) / 2 - 0.13) * pixel[1]


def diameters(mask: np.ndarray, pixel: tuple[float, float] = (PIXEL, PIXEL)) -> tuple:
    chord = longest_chord(mask, pixel)
    across = longest_perpendicular(mask, pixel, chord)
    assert abs(np.dot(chord.end - chord.start, across.end - across.start)) < 1e-6
    return chord, across


@pytest.mark.parametrize("pixel", [(0.5, 0.5), (0.4, 0.8), (0.9, 0.3)])
def test_a_disk_is_as_wide_as_it_is_long(pixel: tuple[float, float]) -> None:
    x, y = plane(60, 60, pixel)
    chord, across = diameters(np.hypot(x, y) <= 22, pixel)
    assert chord.length == pytest.approx(44, abs=1)
    assert across.length == pytest.approx(44, abs=1)


@pytest.mark.parametrize("degrees", [0, 17, 45, 80])
def test_an_ellipse_has_its_two_axes(degrees: float) -> None:
    x, y = plane(60, 60)
    turn = np.deg2rad(degrees)
    a, b = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    chord, across = diameters((a / 25) ** 2 + (b / 10) ** 2 <= 1)
    assert chord.length == pytest.approx(50, abs=TOLERANCE)
    assert across.length == pytest.approx(20, abs=TOLERANCE)
    direction = (chord.end - chord.start) / chord.length
    assert abs(direction @ [np.cos(turn), np.sin(turn)]) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(("outer", "inner"), [(20.0, 15.0), (20.0, 10.0), (30.0, 26.0)])
def test_in_a_ring_the_longest_line_touches_the_cavity_and_does_not_cross_it(
    outer: float, inner: float
) -> None:
    x, y = plane(66, 66)
    radius = np.hypot(x, y)
    mask = (radius <= outer) & (radius >= inner)
    chord, across = diameters(mask)
    tangent = 2 * np.sqrt(outer**2 - inner**2)
    # A quarter of a pixel less of cavity makes the tangent longer by outer / tangent times as much.
    assert chord.length == pytest.approx(tangent, abs=1.5)
    assert across.length == pytest.approx(tangent, abs=1.5)
    for line in (chord, across):
        offset = np.array([x[0, 0], y[0, 0]])
        points = line.start + np.linspace(0, 1, 200)[:, None] * (line.end - line.start) + offset
        assert np.linalg.norm(points, axis=1).min() > inner - 0.75 * PIXEL
        assert np.linalg.norm(points, axis=1).max() < outer + 0.75 * PIXEL


def test_an_open_ring_is_measured_like_a_closed_one() -> None:
    x, y = plane(66, 66)
    radius = np.hypot(x, y)
    crescent = (radius <= 25) & (radius >= 20) & ~((x > 0) & (np.abs(y) < 6))
    chord, _ = diameters(crescent)
    assert chord.length == pytest.approx(2 * np.sqrt(25**2 - 20**2), abs=1.5)


def test_a_lune_between_two_circles() -> None:
    x, y = plane(66, 66)
    lune = (np.hypot(x, y) <= 25) & (np.hypot(x - 15, y) >= 20)
    chord, _ = diameters(lune)
    # The chord of the large circle that touches the small one at its far side, x = -5.
    assert chord.length == pytest.approx(2 * np.sqrt(25**2 - 5**2), abs=1.5)


def test_two_lobes_joined_by_a_bridge_are_one_but_no_line_leaves_the_bridge() -> None:
    x, y = plane(80, 50)
    lobes = (np.hypot(x + 18, y) <= 12) | (np.hypot(x - 18, y) <= 12)
    straight = lobes | ((np.abs(x) < 18) & (np.abs(y) < 1))
    assert diameters(straight)[0].length == pytest.approx(60, abs=1)
    bent = (
        lobes | ((np.abs(np.abs(x) - 17) < 1) & (y > 0) & (y < 20)) | ((np.abs(x) < 18) & (abs(y - 19) < 1))
    )
    assert diameters(bent)[0].length < 40


def test_lobes_that_do_not_touch_are_two_pieces() -> None:
    x, y = plane(80, 50)
    first, second = pieces_of((np.hypot(x + 18, y) <= 12) | (np.hypot(x - 18, y) <= 15))
    assert sorted(round(diameters(piece)[0].length) for piece in (first, second)) in ([24, 30], [25, 31])


def test_the_corner_of_an_l_is_not_cut() -> None:
    mask = np.zeros((44, 64), bool)
    mask[2:42, 2:8] = mask[36:42, 2:62] = True  # arms of 40 and 60 pixels, 6 wide
    chord, across = diameters(mask, (1.0, 1.0))
    assert chord.length == pytest.approx(np.hypot(60, 6), abs=1)
    assert across.length == pytest.approx(40, abs=1)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_row_of_pixels_is_as_long_as_its_pixels(count: int) -> None:
    mask = np.zeros((3, 9), bool)
    mask[1, 1 : 1 + count] = True
    chord, across = diameters(mask, (2.0, 3.0))
    assert chord.length == pytest.approx(max(2 * count, 3))
    assert across.length == pytest.approx(min(2 * count, 3), abs=1e-5)


def test_lines_no_longer_than_asked_are_not_reported() -> None:
    mask = np.ones((4, 4), bool)
    length = longest_chord(mask, (1.0, 1.0)).length
    assert longest_chord(mask, (1.0, 1.0), longer_than=length) is None
    assert longest_chord(mask, (1.0, 1.0), longer_than=length - 0.1).length == length


@pytest.mark.parametrize("seed", range(12))
def test_the_longest_line_is_the_one_that_trying_all_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((6, 7)) < random.choice([0.45, 0.6, 0.8])
    pixel = (1.0, float(random.choice([1.0, 0.7, 1.6])))
    found = max(longest_chord(piece, pixel).length for piece in pieces_of(mask))
    assert found == pytest.approx(longest_by_brute_force(mask, pixel), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_outline_is_that_of_contourpy(seed: int) -> None:
    mask = np.random.default_rng(seed).random((9, 11)) < 0.5
    polygons = outline_polygons(mask)
    expected = {
        tuple(sorted(map(tuple, pair))) for p in polygons for pair in zip(2 * p[:-1], 2 * p[1:], strict=True)
    }
    ours = {tuple(sorted(map(tuple, pair))) for pair in outline_segments(mask).astype(float)}
    assert ours == expected
    assert {tuple(p) for p in outline_points(mask).astype(float)} == {
        point for pair in expected for point in pair
    }


@pytest.mark.parametrize("seed", range(6))
def test_no_perpendicular_is_longer_than_the_one_found(seed: int) -> None:
    """Against many parallel lines, each cut by the outline's polygons."""
    random = np.random.default_rng(seed)
    x, y = plane(24, 24, (1.0, 1.0))
    wobble = 7 + 3 * np.sin(3 * np.arctan2(y, x) + seed) + random.random()
    mask = pieces_of((np.hypot(x, y) < wobble) & (np.hypot(x - 1, y) > 3))[0]
    chord, across = diameters(mask, (1.0, 1.0))
    direction = (chord.end - chord.start) / chord.length
    normal = np.array([-direction[1], direction[0]])
    edges = np.concatenate([np.stack([p[:-1], p[1:]], axis=1) for p in outline_polygons(mask)])
    along, height = edges @ direction, edges @ normal
    best = 0.0
    for cut in np.linspace(along.min(), along.max(), 4001)[1:-1]:
        spans = (along[:, 0] > cut) != (along[:, 1] > cut)
        share = (cut - along[spans, 0]) / (along[spans, 1] - along[spans, 0])
        meeting = np.sort(height[spans, 0] + share * (height[spans, 1] - height[spans, 0]))
        best = max(best, *(meeting[1::2] - meeting[0::2]))
    assert best - 1e-9 <= across.length <= best + 0.02
