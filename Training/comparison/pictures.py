"""A case as every model saw it: one slice, reference and outlines, FLAIR above T1Gd."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.case.find import find_case_files
from SegMambaCore.errors import SegMambaError
from SegMambaCore.report.drawing import draw_outline, intensity_window
from SegMambaCore.report.slices import (
    DISPLAY_ORIENTATION,
    PLANES,
    content_box,
    cut,
    largest_cross_section,
    pixel_size,
    slice_offset,
)
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.volume.bounding_box import Box
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Grid, Volume
from Training.comparison.evaluated import Evaluated
from Training.evaluation.label_maps import LABELS, LabelMap, read_labels

SHOWN = {"t2f": ("WT",), "t1c": ("TC", "ET")}
"""The regions that one judges on each contrast."""

REFERENCE_COLOUR = "#ffffff"
_AXIAL = PLANES[0]
_WIDTH = 2.5  # inches
_DPI = 160  # the page shows 100 pixels an inch
_MARGIN_MM = 4.0


@dataclass(frozen=True)
class Picture:
    """model: None for the reference. png: the two slices, one above the other."""

    model: str | None
    png: bytes


@dataclass(frozen=True)
class CasePictures:
    """offset: where the axial slice lies, as "S 23.5 mm"; the one where reference and models differ most."""

    offset: str
    pictures: Sequence[Picture]


def draw_case(case: str, evaluations: Sequence[Evaluated], images: Path | None) -> CasePictures:
    """Draw a case for the reference and for each model whose evaluation kept its label map.

    images: a folder with a folder for each case; None looks beside the reference.
    Raises SegMambaError when no evaluation knows a reference, or a file cannot be read.
    """
    rows = {evaluation.name: evaluation.rows[case] for evaluation in evaluations}
    known = {name: row for name, row in rows.items() if row.get("prediction") and row.get("reference")}
    if not known:
        raise SegMambaError(
            "no evaluation knows its label maps: write them with Training/predict.py and evaluate those"
        )
    row = next(iter(known.values()))
    reference = _read(row["reference"], case, row["labels"])
    predictions = {
        name: _read(row["prediction"], case, row["prediction_labels"]) for name, row in known.items()
    }
    files = find_case_files(Path(row["reference"]).parent if images is None else images / case)
    volumes = {role: to_orientation(read_volume(files[role]), DISPLAY_ORIENTATION) for role in SHOWN}

    truth = _displayed(reference)
    answers = {name: _displayed(prediction) for name, prediction in predictions.items()}
    grid = next(iter(truth.values())).grid
    index = _slice_of_most_difference(truth, answers)
    box = content_box(volumes["t1c"], (), _MARGIN_MM) if volumes["t1c"].grid.matches(grid) else _whole(grid)
    pictures = [
        Picture(name, _draw(volumes, truth, answer, grid, index, box))
        for name, answer in [(None, None), *answers.items()]
    ]
    return CasePictures(slice_offset(grid, _AXIAL, index), pictures)


def _read(path: str, case: str, read_as: str) -> LabelMap:
    return read_labels(Path(path), case, next(labels for labels in LABELS if labels == read_as))


def _displayed(label_map: LabelMap) -> dict[str, Volume]:
    return {
        region: to_orientation(Volume(mask, label_map.grid.affine), DISPLAY_ORIENTATION)
        for region, mask in label_map.regions.items()
    }


def _slice_of_most_difference(
    truth: Mapping[str, Volume], answers: Mapping[str, Mapping[str, Volume]]
) -> int:
    wrong = [answer[region].array != truth[region].array for answer in answers.values() for region in truth]
    index = largest_cross_section(wrong, _AXIAL)
    if index is None:  # all agree with the reference
        index = largest_cross_section([volume.array for volume in truth.values()], _AXIAL)
    return next(iter(truth.values())).grid.shape[0] // 2 if index is None else index


def _whole(grid: Grid) -> Box:
    k, j, i = (slice(0, count) for count in grid.shape)
    return k, j, i


def _draw(
    volumes: Mapping[str, Volume],
    truth: Mapping[str, Volume],
    answer: Mapping[str, Volume] | None,
    grid: Grid,
    index: int,
    box: Box,
) -> bytes:
    pixel = pixel_size(grid, _AXIAL)
    height, width = ((side.stop - side.start) * step for side, step in zip(box[1:], pixel, strict=True))
    size = (_WIDTH, len(SHOWN) * _WIDTH * height / width)
    figure = Figure(figsize=size, dpi=_DPI, facecolor="black")
    FigureCanvasAgg(figure)

    def slice_of(volume: Volume) -> NDArray:
        return cut(volume, grid, _AXIAL, index, box)

    for number, (role, regions) in enumerate(SHOWN.items()):
        axes = figure.add_axes((0, 1 - (number + 1) / len(SHOWN), 1, 1 / len(SHOWN)))
        axes.axis("off")
        low, high = intensity_window(volumes[role])
        axes.imshow(
            slice_of(volumes[role]),
            cmap="gray",
            vmin=low,
            vmax=high,
            extent=(0, width, height, 0),
            aspect="auto",
        )
        for region in regions:
            right = slice_of(truth[region]).astype(np.bool_)
            if answer is None:
                draw_outline(axes, right, pixel, REGIONS[region].colour, 1.4)
            else:
                draw_outline(
                    axes, slice_of(answer[region]).astype(np.bool_), pixel, REGIONS[region].colour, 1.6
                )
                draw_outline(axes, right, pixel, REFERENCE_COLOUR, 0.7)
        axes.text(
            0.02, 0.98, ROLE_TITLES[role], transform=axes.transAxes, color="#9a9a9a", fontsize=8, va="top"
        )
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
    content = io.BytesIO()
    figure.savefig(content, format="png", facecolor="black")
    return content.getvalue()
