"""The panels of a picture, laid out in pixels, with one scale in all of them."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

PANEL_WIDTH = 390
DPI = 100
BACKGROUND = "#000000"
TEXT = "#e8e8e8"
FAINT = "#9a9a9a"


def empty_figure(width: int, height: int) -> Figure:
    """Return a figure of so many pixels."""
    # Without pyplot, whose figures are global and may open windows.
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def add_panel(figure: Figure, left: int, top: int, height: int) -> Axes:
    """Return a panel with its upper left corner there, in pixels from the figure's."""
    whole_width, whole_height = figure.get_size_inches() * DPI
    bottom = whole_height - top - height
    axes = figure.add_axes(
        (left / whole_width, bottom / whole_height, PANEL_WIDTH / whole_width, height / whole_height)
    )
    axes.axis("off")
    return axes


def draw_slice(
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
    panel_width = PANEL_WIDTH / scale
    axes.set_xlim((width - panel_width) / 2, (width + panel_width) / 2)
    axes.set_ylim(height, 0)


def write_letters(axes: Axes, letters: tuple[str, str, str, str]) -> None:
    """Write what the left, right, top and bottom edges point to."""
    left, right, top, bottom = letters
    for x, y, letter in ((0.015, 0.5, left), (0.985, 0.5, right), (0.5, 0.985, top), (0.5, 0.015, bottom)):
        write(axes, x, y, letter, size=10)


def write(
    axes: Axes, x: float, y: float, text: str, size: float, colour: str = FAINT, rotation: float = 0
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
