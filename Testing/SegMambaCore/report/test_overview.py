"""The overview picture, measured in its pixels."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.report.overview import write_overview
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.volume import Grid, Volume

from . import phantoms

_TURN = np.array([[-0.94, 0.342, 0], [-0.342, -0.94, 0], [0, 0, 1]])
_GRIDS = {
    "isotropic": phantoms.grid((64, 88, 72), (2.5, 2.5, 2.5)),
    "thick slices": phantoms.grid((28, 180, 150), (1.2, 1.2, 6.0)),
    "sagittal scan": phantoms.grid(
        (80, 70, 100), (2.0, 2.0, 2.2), np.array([[0, 0, -1], [-1, 0, 0], [0, -1, 0]])
    ),
    "oblique": phantoms.grid((64, 100, 90), (2.2, 2.2, 2.5), _TURN),
}


def _write(
    path: Path, grid: Grid, empty: tuple[str, ...] = (), others: dict[str, Grid] | None = None
) -> np.ndarray:
    grids = dict.fromkeys(ROLES, grid) | (others or {})
    write_overview(phantoms.case(grids), phantoms.segmentation(grid, empty), path, title="Phantom")
    return imread(path)[..., :3]


def _is(picture: np.ndarray, region: str) -> np.ndarray:
    """Pixels of a region's colour."""
    return (np.abs(picture - np.array(REGIONS[region].colour)) < 0.12).all(axis=-1)


def _panels(picture: np.ndarray) -> list[list[np.ndarray]]:
    """The three rows of four slices, without title and legend."""
    height, width = picture.shape[:2]
    columns = [slice(34 + 396 * n, 34 + 396 * n + 390) for n in range(4)]
    assert columns[-1].stop <= width
    rows = _rows_of_pictures(picture[:, columns[0]])
    assert len(rows) == 3, f"{rows} in {height}"
    return [[picture[row, column] for column in columns] for row in rows]


def _rows_of_pictures(column: np.ndarray) -> list[slice]:
    """Where the heads are: runs of lines with many bright pixels."""
    busy = (column.mean(axis=-1) > 0.2).sum(axis=1) > 45
    edges = np.flatnonzero(np.diff(np.concatenate([[0], busy.astype(int), [0]])))
    return [slice(a, b) for a, b in edges.reshape(-1, 2) if b - a > 60]


@pytest.mark.parametrize("name", _GRIDS)
def test_contours_are_round_and_where_the_tumor_is(tmp_path: Path, name: str) -> None:
    """The tumor is a ball right, anterior and superior: left of and above the middle of every head."""
    picture = _write(tmp_path / "overview.png", _GRIDS[name])
    pixels_per_mm = None
    for row, planes in enumerate(_panels(picture)):
        for panel in planes:
            y, x = np.nonzero(_is(panel, "WT"))
            height, width = np.ptp(y), np.ptp(x)
            assert width == pytest.approx(height, rel=0.12)
            pixels_per_mm = pixels_per_mm or width / (2 * phantoms.TUMOR_RADII["WT"])
            assert width / (2 * phantoms.TUMOR_RADII["WT"]) == pytest.approx(pixels_per_mm, rel=0.12)
            head_y, head_x = np.nonzero(panel.mean(axis=-1) > 0.2)
            middle = (head_x.min() + head_x.max()) / 2
            if name == "oblique" and row != 0:
                continue  # cut at an angle, the head's middle is not the tumor's plane's
            assert x.mean() < middle - 20 * pixels_per_mm
            assert y.mean() < (head_y.min() + head_y.max()) / 2 - 10 * pixels_per_mm


def test_other_grids_are_brought_onto_the_shown_slices(tmp_path: Path) -> None:
    reference = _GRIDS["isotropic"]
    same = _write(tmp_path / "same.png", reference)
    others = {"t1n": _GRIDS["oblique"], "t2w": _GRIDS["thick slices"], "t2f": _GRIDS["sagittal scan"]}
    mixed = _write(tmp_path / "mixed.png", reference, others=others)
    assert same.shape == mixed.shape
    difference = np.abs(same - mixed).mean(axis=-1)
    assert difference.mean() < 0.02
    assert (difference > 0.3).mean() < 0.02
    assert difference.any()


def test_a_region_not_found_has_no_contour(tmp_path: Path) -> None:
    with_all = _write(tmp_path / "all.png", _GRIDS["isotropic"])
    without = _write(tmp_path / "without.png", _GRIDS["isotropic"], empty=("ET",))
    legend = slice(with_all.shape[0] - 60, None)
    assert _is(with_all[: legend.start], "ET").any()
    assert not _is(without[: legend.start], "ET").any()
    assert _is(without[legend], "ET").any()  # the legend still says "none found"
    assert _is(without, "TC").any()


def test_no_tumor_shows_the_middle_of_the_head_and_no_colour(tmp_path: Path) -> None:
    picture = _write(tmp_path / "overview.png", _GRIDS["isotropic"], empty=tuple(REGIONS))
    for region in REGIONS:
        assert not _is(picture, region).any()
    axial = _panels(picture)[0][0].mean(axis=-1) > 0.2
    assert axial.any(axis=1).sum() / axial.any(axis=0).sum() == pytest.approx(85 / 70, rel=0.08)


def test_a_missing_contrast_leaves_its_column_empty_but_for_words(tmp_path: Path) -> None:
    grid = _GRIDS["isotropic"]
    whole = _write(tmp_path / "whole.png", grid)
    case = phantoms.case(dict.fromkeys(ROLES, grid))
    del case.volumes["t2w"]
    write_overview(case, phantoms.segmentation(grid), tmp_path / "part.png", title="Phantom")
    part = imread(tmp_path / "part.png")[..., :3]
    rows = _rows_of_pictures(whole[:, 34 : 34 + 390])
    for row in rows:
        for column in (0, 1, 3):
            place = (row, slice(34 + 396 * column, 34 + 396 * column + 390))
            np.testing.assert_array_equal(part[place], whole[place])
        empty = part[row, 34 + 396 * 2 : 34 + 396 * 2 + 390]
        assert 20 < (empty.mean(axis=-1) > 0.2).sum() < 2000
        assert not any(_is(empty, region).any() for region in REGIONS)


def test_constant_and_negative_volumes_are_drawn(tmp_path: Path) -> None:
    grid = _GRIDS["isotropic"]
    case = phantoms.case(dict.fromkeys(ROLES, grid))
    case.volumes["t1n"] = Volume(np.full(grid.shape, 7, np.uint8), grid.affine)
    case.volumes["t2w"] = Volume(case.volumes["t2w"].array - 1000.0, grid.affine)
    write_overview(case, phantoms.segmentation(grid), tmp_path / "overview.png")
    assert (tmp_path / "overview.png").stat().st_size > 10_000


def test_missing_folder_is_a_mistake_the_user_can_read(tmp_path: Path) -> None:
    with pytest.raises(SegMambaError, match="absent"):
        _write(tmp_path / "absent" / "overview.png", _GRIDS["isotropic"])


def test_a_full_size_case_takes_less_than_two_seconds(tmp_path: Path) -> None:
    coarse = phantoms.grid((31, 48, 48), (5.0, 5.0, 5.0))
    full = phantoms.grid((155, 240, 240), (1.0, 1.0, 1.0))

    def enlarged(array: np.ndarray) -> np.ndarray:
        return array.repeat(5, axis=0).repeat(5, axis=1).repeat(5, axis=2)

    volume = Volume(enlarged(phantoms.head(coarse).array), full.affine)
    masks = {region: enlarged(mask) for region, mask in phantoms.segmentation(coarse).masks.items()}
    started = time.process_time()  # of this process alone, whatever else the machine does
    write_overview(Case(dict.fromkeys(ROLES, volume)), Segmentation(masks, full), tmp_path / "overview.png")
    assert time.process_time() - started < 2
