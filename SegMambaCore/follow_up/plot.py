"""Products and volumes over time, as a picture."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from SegMambaCore.follow_up.assess import Assessment
from SegMambaCore.follow_up.measure import MEASURES, Measure
from SegMambaCore.follow_up.wording import baseline_text, date_text
from SegMambaCore.report.statement import RESEARCH_USE_ONLY
from SegMambaCore.segmentation.regions import REGIONS

_PRODUCT_COLOUR = "#404040"
_EDGE = "#202020"


def draw_plot(assessment: Assessment) -> bytes:
    """Return a PNG: the sum of products above, the regions' volumes below, over the dates.

    Without dates the time points stand at equal distances, and the axis says so. What was not measured leaves
    a gap. Hollow markers: scans after surgery or radiotherapy.
    """
    figure = Figure(figsize=(8, 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)  # without pyplot, whose figures are global and may open windows
    above, below = figure.subplots(2, 1, sharex=True)
    _draw(above, assessment, [measure for measure in MEASURES if measure.key == "product"])
    _draw(below, assessment, [measure for measure in MEASURES if measure.key in REGIONS])
    above.set_ylabel("Sum of products (mm²)")
    below.set_ylabel("Volume (mL)")
    _label_times(below, assessment)
    figure.suptitle(baseline_text(assessment), fontsize=11, x=0.01, ha="left")
    notes = [RESEARCH_USE_ONLY]
    if any(point.treatment.is_treated for point in assessment.points):
        notes.insert(0, "Hollow: after surgery or radiotherapy; weights not validated on treated tumors.")
    figure.supxlabel("\n".join(notes), fontsize=8, x=0.01, ha="left", color="#505050")
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _draw(axes: Axes, assessment: Assessment, measures: list[Measure]) -> None:
    times = _times(assessment)
    for measure in measures:
        colour = REGIONS[measure.key].colour if measure.key in REGIONS else _PRODUCT_COLOUR
        values = [measure.value(point) for point in assessment.points]
        numbers = [float("nan") if value is None else value for value in values]
        axes.plot(times, numbers, color=colour, linewidth=2, label=measure.title)
        for time, number, point in zip(times, numbers, assessment.points, strict=True):
            face = "white" if point.treatment.is_treated else colour
            axes.plot(time, number, "o", markersize=8, markerfacecolor=face, markeredgecolor=_EDGE)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.06)
    axes.grid(axis="y", color="#e0e0e0")
    axes.spines[["top", "right"]].set_visible(False)
    if assessment.baseline is not None:
        time = times[assessment.points.index(assessment.baseline)]
        axes.axvline(time, color="#909090", linestyle=":", linewidth=1.2, label="Baseline")
    axes.legend(frameon=False, fontsize=9)


def _times(assessment: Assessment) -> list[float]:
    first = assessment.points[0].date
    if first is None:
        return [float(number) for number in range(len(assessment.points))]
    return [float((point.date - first).days) for point in assessment.points if point.date is not None]


def _label_times(axes: Axes, assessment: Assessment) -> None:
    dated = assessment.points[0].date is not None
    labels = [f"{point.name}\n{date_text(point)}" if dated else point.name for point in assessment.points]
    axes.set_xticks(_times(assessment), labels, fontsize=9)
    if len(labels) > 4:
        axes.tick_params(axis="x", rotation=45)
    if not dated:
        axes.set_xlabel("Time points in order; dates unknown, distances mean nothing", fontsize=9)
