"""One picture of the whole result: four contrasts, three planes, three contours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES, ROLES, Case
from SegMambaCore.report.drawing import draw_outline, intensity_window
from SegMambaCore.report.panels import (
    BACKGROUND,
    DPI,
    FAINT,
    PANEL_WIDTH,
    TEXT,
    add_panel,
    draw_slice,
    empty_figure,
    write,
    write_letters,
)
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

# In pixels.
_GAP = 6
_LEFT = 34  # the planes' names
_TOP = 74  # the title and the contrasts' names
_BOTTOM = 64  # the legend

_MARGIN_MM = 9.0
_SCALE_BAR_MM = 50.0
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
    figure.savefig(content, format="png", facecolor=BACKGROUND, pil_kwargs={"compress_level": 4})
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
    scale = PANEL_WIDTH / max(width for _, width in sizes)  # pixels a millimetre
    heights = [round(height * scale) for height, _ in sizes]
    figure = empty_figure(
        width=_LEFT + len(ROLES) * (PANEL_WIDTH + _GAP),
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
            axes = add_panel(figure, _LEFT + column * (PANEL_WIDTH + _GAP), top, height)
            row.append(axes)
            if role not in volumes:
                write(axes, 0.5, 0.5, "not given", size=12)
                continue
            image = cut(volumes[role], grid, plane, index, box)
            draw_slice(axes, image, windows[role], pixel_size(grid, plane), scale)
            _draw_contours(axes, outlines, pixel_size(grid, plane))
            write_letters(axes, edge_letters(grid, plane))
        write(row[0], 0.015, 0.015, slice_offset(grid, plane, index), size=9)
        write(row[0], -_LEFT / 2 / PANEL_WIDTH, 0.5, plane.title, size=12, colour=TEXT, rotation=90)
        if plane is PLANES[0]:
            for axes, role in zip(row, ROLES, strict=True):
                write(axes, 0.5, 1 + 14 / height, ROLE_TITLES[role], size=12, colour=TEXT)
        top += height + _GAP
    _draw_scale_bar(row[-1], scale)
    _write_frame(figure, title, segmentation)
    return figure


def _size_mm(grid: Grid, plane: Plane, box: Box) -> tuple[float, float]:
    """Height and width of a slice."""
    rows, columns = (box[axis].stop - box[axis].start for axis in range(3) if axis != plane.axis)
    row_step, column_step = pixel_size(grid, plane)
    return rows * row_step, columns * column_step


def _draw_contours(axes: Axes, outlines: dict[str, NDArray[np.bool_]], pixel: tuple[float, float]) -> None:
    for region, outline in outlines.items():
        draw_outline(axes, outline, pixel, REGIONS[region].colour, _CONTOUR_WIDTHS[region])


def _draw_scale_bar(axes: Axes, scale: float) -> None:
    right, length = 0.985, _SCALE_BAR_MM * scale / PANEL_WIDTH
    axes.plot(
        [right - length, right],
        [0.03, 0.03],
        transform=axes.transAxes,
        color=FAINT,
        linewidth=2,
        solid_capstyle="butt",
    )
    write(axes, right, 0.05, f"{_SCALE_BAR_MM:g} mm", size=9)


def _write_frame(figure: Figure, title: str, segmentation: Segmentation) -> None:
    """Title above; below, the legend with the volumes and what the picture must not be used for."""
    width, height = figure.get_size_inches() * DPI
    figure.text(_LEFT / width, 1 - 14 / height, title, color=TEXT, fontsize=15, weight="bold", va="top")
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
            labelcolor=TEXT,
            borderpad=0,
            borderaxespad=0,
        )
    else:
        figure.text(_LEFT / width, baseline, "No tumor found", color=TEXT, fontsize=13, weight="bold")
    figure.text(1 - _GAP / width, baseline, RESEARCH_USE_ONLY, color=FAINT, fontsize=9, ha="right")


def _legend_text(segmentation: Segmentation, region: str) -> str:
    found = segmentation.masks[region].any()
    volume = f"{segmentation.volume_ml(region):.1f} mL" if found else "none found"
    return f"{REGIONS[region].title} ({region})  {volume}"
