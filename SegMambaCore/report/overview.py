"""One picture of the whole result: four contrasts, three planes, three contours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES, ROLES, Case
from SegMambaCore.report.drawing import draw_outline, intensity_window
from SegMambaCore.report.slices import (
    DISPLAY_ORIENTATION,
    PLANES,
    Plane,
    content_box,
    cut,
    edge_letters,
    largest_cross_section,
    pixel_size,
    slice_offset,
)
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.bounding_box import Box
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Grid, Volume
from SegMambaCore.whole_file import write_whole_file

# Laid out in pixels, with one scale in all panels.
_PANEL_WIDTH = 390
_GAP = 6
_LEFT = 34  # the planes' names
_TOP = 74  # the title and the contrasts' names
_BOTTOM = 64  # the legend
_DPI = 100

_MARGIN_MM = 9.0
_SCALE_BAR_MM = 50.0
_BACKGROUND = "#000000"
_TEXT = "#e8e8e8"
_FAINT = "#9a9a9a"
# Points. ET often runs along the border of TC, which must still show on both its sides.
_CONTOUR_WIDTHS = {"WT": 1.6, "TC": 2.4, "ET": 1.0}


def write_overview(
    case: Case, segmentation: Segmentation, path: Path, title: str = "Tumor segmentation"
) -> None:
    """Write a PNG with the contrasts (columns) in three planes (rows) and the regions' contours.

    A missing contrast has the words "not given" in its place.

    Each row shows the slice of the reference grid where the regions' cross-sections are largest, or the
    middle of the head where no tumor was found, in radiological convention and true proportions. Contrasts on
    other grids are interpolated onto that slice. The segmentation lies on the reference's grid.

    Raises SegMambaError when the file cannot be written; then nothing has changed.
    """
    figure = _draw(case, segmentation, title)
    content = io.BytesIO()
    figure.savefig(content, format="png", facecolor=_BACKGROUND, pil_kwargs={"compress_level": 4})
    write_whole_file(path, content.getvalue())


def _draw(case: Case, segmentation: Segmentation, title: str) -> Figure:
    volumes = {
        role: to_orientation(case.volumes[role], DISPLAY_ORIENTATION)
        for role in ROLES
        if role in case.volumes
    }
    masks = {
        region: to_orientation(
            Volume(segmentation.masks[region], segmentation.grid.affine), DISPLAY_ORIENTATION
        )
        for region in REGIONS
    }
    mask_arrays = [mask.array for mask in masks.values()]
    grid = volumes[case.reference].grid
    box = content_box(volumes[case.reference], mask_arrays, _MARGIN_MM)
    windows = {role: intensity_window(volume) for role, volume in volumes.items()}

    sizes = [_size_mm(grid, plane, box) for plane in PLANES]
    scale = _PANEL_WIDTH / max(width for _, width in sizes)  # pixels a millimetre
    heights = [round(height * scale) for height, _ in sizes]
    figure = _empty_figure(
        width=_LEFT + len(ROLES) * (_PANEL_WIDTH + _GAP),
        height=_TOP + sum(heights) + len(heights) * _GAP + _BOTTOM,
    )
    top = _TOP
    for plane, height in zip(PLANES, heights, strict=True):
        index = largest_cross_section(mask_arrays, plane)
        if index is None:
            index = (box[plane.axis].start + box[plane.axis].stop) // 2
        outlines = {region: cut(mask, grid, plane, index, box) for region, mask in masks.items()}
        row = []
        for column, role in enumerate(ROLES):
            axes = _add_panel(figure, _LEFT + column * (_PANEL_WIDTH + _GAP), top, height)
            row.append(axes)
            if role not in volumes:
                _write(axes, 0.5, 0.5, "not given", size=12)
                continue
            image = cut(volumes[role], grid, plane, index, box)
            _draw_slice(axes, image, windows[role], pixel_size(grid, plane), scale)
            _draw_contours(axes, outlines, pixel_size(grid, plane))
            _write_letters(axes, edge_letters(grid, plane))
        _write(row[0], 0.015, 0.015, slice_offset(grid, plane, index), size=9)
        _write(row[0], -_LEFT / 2 / _PANEL_WIDTH, 0.5, plane.title, size=12, colour=_TEXT, rotation=90)
        if plane is PLANES[0]:
            for axes, role in zip(row, ROLES, strict=True):
                _write(axes, 0.5, 1 + 14 / height, ROLE_TITLES[role], size=12, colour=_TEXT)
        top += height + _GAP
    _draw_scale_bar(row[-1], scale)
    _write_frame(figure, title, segmentation)
    return figure


def _size_mm(grid: Grid, plane: Plane, box: Box) -> tuple[float, float]:
    """Height and width of a slice."""
    rows, columns = (box[axis].stop - box[axis].start for axis in range(3) if axis != plane.axis)
    row_step, column_step = pixel_size(grid, plane)
    return rows * row_step, columns * column_step


def _empty_figure(width: int, height: int) -> Figure:
    # Without pyplot, whose figures are global and may open windows.
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure


def _add_panel(figure: Figure, left: int, top: int, height: int) -> Axes:
    whole_width, whole_height = figure.get_size_inches() * _DPI
    bottom = whole_height - top - height
    axes = figure.add_axes(
        (left / whole_width, bottom / whole_height, _PANEL_WIDTH / whole_width, height / whole_height)
    )
    axes.axis("off")
    return axes


def _draw_slice(
    axes: Axes, image: NDArray, window: tuple[float, float], pixel: tuple[float, float], scale: float
) -> None:
    """Draw a slice in millimetres, centred, at the scale of pixels a millimetre."""
    height, width = image.shape[0] * pixel[0], image.shape[1] * pixel[1]
    axes.imshow(
        image,
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        extent=(0, width, height, 0),
        interpolation="bilinear",
        aspect="auto",
    )
    panel_width = _PANEL_WIDTH / scale
    axes.set_xlim((width - panel_width) / 2, (width + panel_width) / 2)
    axes.set_ylim(height, 0)


def _draw_contours(axes: Axes, outlines: dict[str, NDArray[np.bool_]], pixel: tuple[float, float]) -> None:
    for region, outline in outlines.items():
        draw_outline(axes, outline, pixel, REGIONS[region].colour, _CONTOUR_WIDTHS[region])


def _write_letters(axes: Axes, letters: tuple[str, str, str, str]) -> None:
    left, right, top, bottom = letters
    for x, y, letter in ((0.015, 0.5, left), (0.985, 0.5, right), (0.5, 0.985, top), (0.5, 0.015, bottom)):
        _write(axes, x, y, letter, size=10)


def _write(
    axes: Axes, x: float, y: float, text: str, size: float, colour: str = _FAINT, rotation: float = 0
) -> None:
    """Write at a place in parts of the panel, inward where it is close to an edge."""
    axes.text(
        x,
        y,
        text,
        transform=axes.transAxes,
        color=colour,
        fontsize=size,
        rotation=rotation,
        ha="left" if 0 < x < 0.1 else "right" if 0.9 < x < 1 else "center",
        va="bottom" if 0 < y < 0.1 else "top" if 0.9 < y < 1 else "center",
    )


def _draw_scale_bar(axes: Axes, scale: float) -> None:
    right, length = 0.985, _SCALE_BAR_MM * scale / _PANEL_WIDTH
    axes.plot(
        [right - length, right],
        [0.03, 0.03],
        transform=axes.transAxes,
        color=_FAINT,
        linewidth=2,
        solid_capstyle="butt",
    )
    _write(axes, right, 0.05, f"{_SCALE_BAR_MM:g} mm", size=9)


def _write_frame(figure: Figure, title: str, segmentation: Segmentation) -> None:
    """Title above; below, the legend with the volumes and what the picture must not be used for."""
    width, height = figure.get_size_inches() * _DPI
    figure.text(_LEFT / width, 1 - 14 / height, title, color=_TEXT, fontsize=15, weight="bold", va="top")
    baseline = 22 / height
    if segmentation.masks["WT"].any():
        figure.legend(
            [Line2D([], [], color=region.colour, linewidth=3) for region in REGIONS.values()],
            [_legend_text(segmentation, region) for region in REGIONS],
            loc="lower left",
            bbox_to_anchor=(_LEFT / width, baseline),
            ncols=len(REGIONS),
            frameon=False,
            fontsize=13,
            labelcolor=_TEXT,
            borderpad=0,
            borderaxespad=0,
        )
    else:
        figure.text(_LEFT / width, baseline, "No tumor found", color=_TEXT, fontsize=13, weight="bold")
    figure.text(1 - _GAP / width, baseline, RESEARCH_USE_ONLY, color=_FAINT, fontsize=9, ha="right")


def _legend_text(segmentation: Segmentation, region: str) -> str:
    found = segmentation.masks[region].any()
    volume = f"{segmentation.volume_ml(region):.1f} mL" if found else "none found"
    return f"{REGIONS[region].title} ({region})  {volume}"
