"""One picture of what the network will see: each sequence's edges over the reference, and the brain's outline."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from SegMambaCore.case.case import ROLE_TITLES
from SegMambaCore.preparation.preparation import Preparation
from SegMambaCore.preparation.quality import QualityCheck
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
    content_box,
    cut,
    edge_letters,
    pixel_size,
    slice_offset,
)
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.volume.bounding_box import bounding_box
from SegMambaCore.volume.resample import grid_at_spacing, resample, to_orientation
from SegMambaCore.volume.volume import Volume
from SegMambaCore.whole_file import write_whole_file

_GAP, _LEFT, _TOP, _LINE = 6, 34, 92, 19
_SPACING_MM = (1.0, 1.0, 1.0)
_MARGIN_MM = 6.0
_BRAIN = "#ffd400"
_EDGES = "#35e07a"
_EDGE_SHARE = 7  # percent of a slice that its strongest edges make up
_EDGE_SMOOTHNESS = 1.2  # pixels


def write_check_page(
    preparation: Preparation, check: QualityCheck, warnings: tuple[str, ...], path: Path
) -> None:
    """Write a PNG: columns of the reference with the brain's outline, and with the edges of each other sequence.

    Three planes through the brain's middle, at 1 mm, in radiological convention. Below stand the warnings. Raises
    SegMambaError when the file cannot be written; then nothing has changed.
    """
    figure = _draw(preparation, check, warnings)
    content = io.BytesIO()
    figure.savefig(content, format="png", facecolor=BACKGROUND, pil_kwargs={"compress_level": 4})
    write_whole_file(path, content.getvalue())


def _draw(preparation: Preparation, check: QualityCheck, warnings: tuple[str, ...]) -> Figure:
    case = preparation.case
    reference = to_orientation(case.reference_volume, DISPLAY_ORIENTATION)
    grid = grid_at_spacing(reference.grid, _SPACING_MM)
    fine = resample(reference, grid)
    box = content_box(fine, [], _MARGIN_MM)
    brain = _brain_on(preparation, fine)
    inner = bounding_box(brain.array) or box
    middle = [(side.start + side.stop) // 2 for side in inner]
    columns = [case.reference, *(role for role in case.volumes if role != case.reference)]

    sizes = [
        [box[axis].stop - box[axis].start for axis in range(3) if axis != plane.axis] for plane in PLANES
    ]
    scale = PANEL_WIDTH / max(width for _, width in sizes)
    heights = [round(height * scale) for height, _ in sizes]
    lines = list(warnings) or ["Nothing to object to was found."]
    figure = empty_figure(
        _LEFT + len(columns) * (PANEL_WIDTH + _GAP),
        _TOP + sum(heights) + len(heights) * _GAP + 50 + _LINE * len(lines),
    )
    window = intensity_window(reference)
    top = _TOP
    for plane, height in zip(PLANES, heights, strict=True):
        index = middle[plane.axis]
        image = cut(fine, grid, plane, index, box)
        for column, role in enumerate(columns):
            axes = add_panel(figure, _LEFT + column * (PANEL_WIDTH + _GAP), top, height)
            draw_slice(axes, image, window, pixel_size(grid, plane), scale)
            if role == case.reference:
                draw_outline(axes, cut(brain, grid, plane, index, box), pixel_size(grid, plane), _BRAIN, 1.2)
                write_letters(axes, edge_letters(grid, plane))
                write(axes, 0.015, 0.015, slice_offset(grid, plane, index), size=9)
                write(axes, -_LEFT / 2 / PANEL_WIDTH, 0.5, plane.title, size=12, colour=TEXT, rotation=90)
            else:
                _draw_edges(axes, cut(case.volumes[role], grid, plane, index, box))
            if plane is PLANES[0]:
                write(axes, 0.5, 1 + 14 / height, _title(preparation, check, role), size=10, colour=TEXT)
        top += height + _GAP
    _write_frame(figure, preparation, lines)
    return figure


def _brain_on(preparation: Preparation, fine: Volume) -> Volume:
    """Return the brain's mask on the picture's grid: what was found, else what differs from background."""
    mask = preparation.brain_mask
    if mask is None:
        return Volume(fine.array != fine.array.ravel()[0], fine.affine)
    soft = resample(Volume(mask.array.astype(np.float32), mask.affine), fine.grid)
    return Volume(soft.array >= 0.5, fine.affine)


def _draw_edges(axes: Axes, image: NDArray) -> None:
    """Draw the strongest edges of a slice as thin lines; pixels are 1 mm."""
    picture = sitk.GetImageFromArray(image.astype(np.float32))
    strength = sitk.GetArrayFromImage(sitk.GradientMagnitudeRecursiveGaussian(picture, _EDGE_SMOOTHNESS))
    high = float(np.percentile(strength, 100 - _EDGE_SHARE))
    if high <= 0:
        return
    edges = sitk.CannyEdgeDetection(picture, 0.5 * high, high, [_EDGE_SMOOTHNESS**2] * 2)
    seen = sitk.GetArrayFromImage(edges) > 0
    colour = tuple(int(_EDGES[start : start + 2], 16) / 255 for start in (1, 3, 5))
    overlay = np.zeros((*seen.shape, 4), np.float32)
    overlay[seen] = (*colour, 0.85)
    height, width = seen.shape
    axes.imshow(overlay, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")


def _title(preparation: Preparation, check: QualityCheck, role: str) -> str:
    if role == preparation.case.reference:
        return f"{ROLE_TITLES[role]} (reference), outline of the brain"
    parts = [f"edges of {ROLE_TITLES[role]}"]
    if role in preparation.motions:
        parts.append(f"moved {preparation.motions[role].millimetres:.1f} mm")
    if role in check.similarity:
        parts.append(f"similarity {check.similarity[role]:.3f}")
    return ", ".join(parts)


def _write_frame(figure: Figure, preparation: Preparation, lines: list[str]) -> None:
    width, height = figure.get_size_inches() * DPI
    figure.text(
        _LEFT / width,
        1 - 12 / height,
        "Input as the network sees it",
        color=TEXT,
        fontsize=15,
        weight="bold",
        va="top",
    )
    figure.text(_LEFT / width, 1 - 40 / height, _brain_text(preparation), color=FAINT, fontsize=11, va="top")
    for number, line in enumerate(lines):
        bottom = (24 + _LINE * (len(lines) - number)) / height
        figure.text(_LEFT / width, bottom, line, color=TEXT, fontsize=10)
    figure.text(1 - _GAP / width, 14 / height, RESEARCH_USE_ONLY, color=FAINT, fontsize=9, ha="right")


def _brain_text(preparation: Preparation) -> str:
    brain = preparation.brain
    if brain is None:
        return "The brain is what differs from the background: no skull was removed."
    titles = ", ".join(ROLE_TITLES[role] for role in brain.roles)
    if brain.was_given:
        return f"The brain is that of {titles}, which came without a skull: {brain.volume_ml:.0f} mL."
    return f"The brain was found in {titles}: {brain.volume_ml:.0f} mL."
