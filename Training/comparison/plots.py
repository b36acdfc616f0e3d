"""Plots of a comparison, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from SegMambaCore.segmentation.regions import REGIONS
from Training.comparison.comparison import Comparison
from Training.comparison.differences import difference_of_cases
from Training.comparison.table1 import Metric, Table
from Training.metrics.conventions import column_name

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A6D3B")
"""Okabe and Ito's, apart for every kind of color blindness (brown in place of the yellow); repeated beyond eight."""

_LINEAR_UP_TO_MM = 10.0
"""Distances beyond are on a logarithmic scale: a missed region counts as hundreds of millimetres."""

_MANY = 60  # points

_SPREAD = 0.8
"""Of the boxes of one region, whose neighbours are 1 apart."""


def plot_cases(comparison: Comparison, table: Table) -> str:
    """Return boxes and a point a case, for each region and model: one panel for Dice, one for HD95."""
    figure, panels = _panels(table, height=3.6)
    models = [evaluation.name for evaluation in comparison.evaluations]
    for axes, metric in zip(panels, table.metrics, strict=True):
        for number, evaluation in enumerate(comparison.evaluations):
            for place, region in enumerate(REGIONS):
                values = metric.factor * evaluation.figures(column_name(metric.key, region, table.convention))
                _box_and_points(axes, values[np.isfinite(values)], number, len(models), place)
        axes.set_xticks(range(len(REGIONS)), list(REGIONS))
        axes.set_ylabel(_label(metric, table))
        _distances_fit(axes, metric, vertical=True)
        axes.grid(axis="y", color="#e2e2e2", linewidth=0.6)
    _legend(figure, models)
    return _svg(figure)


def plot_differences(comparison: Comparison, table: Table) -> str:
    """Return the mean difference of each other model to the first with its interval, a faint point a case."""
    first, *others = comparison.evaluations
    lines = [(region, number) for region in REGIONS for number in range(len(others))]
    figure, panels = _panels(table, height=1.3 + 0.26 * len(lines))
    found = {(row["model"], row["column"]): row for row in comparison.differences}
    for axes, metric in zip(panels, table.metrics, strict=True):
        for place, (region, number) in enumerate(lines):
            column = column_name(metric.key, region, table.convention)
            row = found[others[number].name, column]
            colour = _colour(number + 1)
            points = metric.factor * difference_of_cases(first, others[number], column)
            _points(axes, points, place + _jitter(len(points), 0.25), colour)
            low, mean, high = (
                metric.factor * float(row[name]) for name in ("ci95_low", "mean_difference", "ci95_high")
            )
            axes.plot([low, high], [place, place], color="white", linewidth=5, solid_capstyle="butt")
            axes.plot([low, high], [place, place], color=colour, linewidth=2.6, solid_capstyle="butt")
            axes.plot([mean], [place], "D", color=colour, markersize=6, markeredgecolor="white")
        axes.axvline(0, color="#444444", linewidth=0.8)
        axes.set_yticks(
            [(len(others) - 1) / 2 + len(others) * place for place in range(len(REGIONS))], list(REGIONS)
        )
        for edge in range(1, len(REGIONS)):
            axes.axhline(len(others) * edge - 0.5, color="#e2e2e2", linewidth=0.8)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        better = "right is better" if metric.more_is_better else "left is better"
        axes.set_xlabel(f"difference to {first.name}\n{_label(metric, table)}; {better}")
        _distances_fit(axes, metric, vertical=False)
    _legend(figure, [other.name for other in others], 1)
    return _svg(figure)


def _box_and_points(axes: Axes, values: NDArray[np.float64], number: int, models: int, place: int) -> None:
    width = _SPREAD / models
    centre = place - _SPREAD / 2 + width * (number + 0.5)
    colour = _colour(number)
    if values.size:
        axes.boxplot(
            [values],
            positions=[centre],
            widths=width * 0.82,
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colour + "30", "edgecolor": colour},
            medianprops={"color": colour, "linewidth": 2},
            whiskerprops={"color": colour},
            capprops={"color": colour},
        )
        places = centre + _jitter(len(values), width * 0.28)
        _points(axes, places, values, colour)


def _points(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], colour: str) -> None:
    """Draw a point a case, behind all else; as pixels where there are many, which would be megabytes of shapes."""
    many = len(x) > _MANY
    axes.plot(
        x,
        y,
        ".",
        color=colour,
        alpha=0.3 if many else 0.6,
        markersize=3 if many else 5,
        markeredgewidth=0,
        clip_on=False,
        rasterized=many,
        zorder=1,
    )


def _jitter(count: int, spread: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(-spread, spread, count)


def _distances_fit(axes: Axes, metric: Metric, vertical: bool) -> None:
    if metric.unit != "mm":
        return
    set_scale, axis = (axes.set_yscale, axes.yaxis) if vertical else (axes.set_xscale, axes.xaxis)
    set_scale("symlog", linthresh=_LINEAR_UP_TO_MM)
    if vertical:
        axes.set_ylim(bottom=0)
    low, high = axes.get_ylim() if vertical else axes.get_xlim()
    ticks = [tick for tick in (-300, -100, -30, -10, -5, 0, 5, 10, 30, 100, 300) if low <= tick <= high]
    axis.set_ticks(ticks, [str(tick) for tick in ticks])
    axis.set_minor_locator(matplotlib.ticker.NullLocator())


def _label(metric: Metric, table: Table) -> str:
    return f"{metric.title} {metric.unit}, convention {table.convention}"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _panels(table: Table, height: float) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(11, height), layout="constrained")
    FigureCanvasSVG(figure)
    panels = figure.subplots(1, len(table.metrics))
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _legend(figure: Figure, models: Sequence[str], first_colour: int = 0) -> None:
    figure.legend(
        [Line2D([], [], color=_colour(first_colour + number), linewidth=5) for number in range(len(models))],
        models,
        loc="outside upper center",
        ncols=min(len(models), 5),
        frameon=False,
    )


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    # Letters as shapes: what the page looks like depends on no font.
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "segmamba"}):
        figure.savefig(text, format="svg", dpi=200, metadata={"Date": None})
    return text.getvalue()
